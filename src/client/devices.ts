import { UnexpectedAnswerError, parseObject } from './errors.js';
import { readLines } from './lines.js';
import type { CallOptions, Transport } from './transport.js';

export interface Rejected {
  /** From 1, in the lines given. */
  line: number;
  code: string;
  message: string;
}

export interface Imported {
  created: number;
  updated: number;
  moved: number;
  rejected: Rejected[];
}

export class Devices {
  readonly #transport: Transport;
  readonly #base: string;

  constructor(transport: Transport, base: string) {
    this.#transport = transport;
    this.#base = base;
  }

  /** Registers the device of each line; a bad line is rejected, the others are kept. A repeat changes nothing. */
  async import(lines: string | Uint8Array, options: CallOptions = {}): Promise<Imported> {
    const [first, ...rest] = await this.#transport.lines({
      ...options,
      method: 'POST',
      path: `${this.#base}/devices:import`,
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines,
      isRepeatable: true,
    });
    const summary = parseObject(first ?? '') as Record<keyof Imported, number> | undefined;
    const rejected = rest.map((line) => parseObject(line) ?? {});
    const trailer = rejected.pop()?.trailer as { count: number } | undefined;
    if (!summary || trailer?.count !== rejected.length + 1)
      throw new UnexpectedAnswerError('The answer to an import broke off');
    const { created, updated, moved } = summary;
    return { created, updated, moved, rejected: rejected as unknown as Rejected[] };
  }

  /** Every device that is not retired, as a line for `import`. Throws if the answer breaks off. */
  async *export(options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    const path = `${this.#base}/devices:export`;
    let count = 0;
    for await (const line of readLines(
      this.#transport.stream({ ...options, method: 'GET', path, isRepeatable: true }),
    )) {
      const trailer = line.startsWith('{"trailer"') ? (parseObject(line)?.trailer as { count: number }) : undefined;
      if (trailer?.count === count) return;
      if (trailer) break;
      yield line;
      count++;
    }
    throw new UnexpectedAnswerError(`The export broke off after ${count} devices`);
  }
}
