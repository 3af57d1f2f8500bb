import { readFileSync } from 'node:fs';

/** The parts of a delivery, by the outermost of these folders or packages that a sample's stack goes through. */
const PARTS: readonly (readonly [part: string, place: RegExp])[] = [
  ['send', /\/dist\/http2\/|node:(internal\/)?(_tls|tls|net|stream_base)/],
  ['build', /\/dist\/providers\//],
  ['read', /\/dist\/(devices|applications)\/|\/claim\.repository|\/pace\.repository/],
  ['record', /\/dist\/delivery\/(batch\.repository|ledger|retry-policy|outcome)/],
  ['queue', /\/bullmq\/|\/ioredis\/|\/dist\/queue\//],
  // What comes back from the database is parsed on the socket's own event: rows that are read, mostly.
  ['read', /\/pg\/|\/pg-protocol\/|\/pg-pool\/|\/kysely\//],
  ['deliver', /\/dist\/delivery\//],
];

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string }; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
}

/** CPU of each part in µs a delivery; what is in no part (garbage collection, timers, the start) is `other`. */
export function partsOf(file: string, deliveries: number): Record<string, number> {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const part = new Map<number, string>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  // Parents come before their children.
  const walk = (id: number, inherited: string | undefined): void => {
    const node = byId.get(id)!;
    const { functionName, url } = node.callFrame;
    const own = functionName === '(idle)' ? 'idle' : PARTS.find(([, place]) => place.test(url))?.[0];
    // A caller's own part is left for the one it calls into: the provider for the pipeline, the service for the ledger.
    const named = own ?? inherited ?? 'other';
    part.set(id, named);
    for (const child of node.children ?? []) walk(child, named);
  };
  walk(nodes[0]!.id, undefined);
  const sums: Record<string, number> = {};
  for (const [index, id] of samples.entries()) {
    const name = part.get(id) ?? 'other';
    if (name !== 'idle') sums[name] = (sums[name] ?? 0) + (timeDeltas[index] ?? 0) / deliveries;
  }
  return sums;
}
