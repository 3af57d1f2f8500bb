import { readFileSync } from 'node:fs';

/** The parts of a delivery, each with the folders or packages in a sample's stack; the outermost match counts. */
const PARTS: readonly (readonly [part: string, place: RegExp])[] = [
  ['send', /\/dist\/http2\/|node:(internal\/)?(_tls|tls|net|stream_base)/],
  ['build', /\/dist\/providers\//],
  ['read', /\/dist\/(devices|applications)\/|\/claim\.repository|\/pace\.repository/],
  ['record', /\/dist\/delivery\/(batch\.repository|ledger|retry-policy|outcome)/],
  ['queue', /\/bullmq\/|\/ioredis\/|\/dist\/queue\//],
  // Answers of the database are parsed in the event of the socket: mostly rows of reads.
  ['read', /\/pg\/|\/pg-protocol\/|\/pg-pool\/|\/kysely\//],
  ['deliver', /\/dist\/delivery\//],
];

/** Functions that run only while a request is written. */
const WRITING = /\/dist\/http2\/hpack-write/;

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string }; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
}

/**
 * CPU of each part in µs per delivery, from the first request written to the last, without the start of the program.
 * `other` is the rest (garbage collection, timers).
 */
export function partsOf(file: string, deliveries: number): Record<string, number> {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const part = new Map<number, string>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  // Parents come before their children.
  const walk = (id: number, inherited: string | undefined): void => {
    const node = byId.get(id)!;
    const { functionName, url } = node.callFrame;
    const own = functionName === '(idle)' ? 'idle' : PARTS.find(([, place]) => place.test(url))?.[0];
    // The part of a caller is replaced by the part of the callee: the provider by the HTTP/2 client, the service by the
    // ledger.
    const named = own ?? inherited ?? 'other';
    part.set(id, named);
    for (const child of node.children ?? []) walk(child, named);
  };
  walk(nodes[0]!.id, undefined);
  const sums: Record<string, number> = {};
  const writing = new Set(nodes.filter(({ callFrame }) => WRITING.test(callFrame.url)).map(({ id }) => id));
  const last = samples.findLastIndex((id) => writing.has(id));
  for (let index = samples.findIndex((id) => writing.has(id)); index <= last; index++) {
    const name = part.get(samples[index] ?? 0) ?? 'other';
    if (name !== 'idle') sums[name] = (sums[name] ?? 0) + (timeDeltas[index] ?? 0) / deliveries;
  }
  return sums;
}
