import { setTimeout as delay } from 'node:timers/promises';
import { applyLoad } from '../api/load.js';
import type { Load } from '../api/load.js';
import type { ClusterCost } from '../servers/cluster.js';
import type { Stage } from './stage.js';

/** A backlog that takes longer than this ends the measurement. */
const DRAIN_MS = 120_000;
const POLL_MS = 50;
/** Codes that are sent one after the other, and the time between them. */
const CODES = 200;
const CODE_GAP_MS = 25;

/** Milliseconds. */
export interface Quantiles {
  p50: number;
  p99: number;
}

export interface Singles {
  connections: number;
  acceptedPerSecond: number;
  /** Within the time of the load. */
  deliveredPerSecond: number;
  /** Accepted and not delivered when the load ended. */
  backlog: number;
  /** From the end of the load to the last delivery. */
  drainSeconds: number;
  /** From the request to its 202. */
  acceptMs: Quantiles;
  /** From the 202 to the provider's answer. */
  wireMs: Quantiles;
  /** Per message, by process. */
  cpuUs: Record<string, number>;
  /** Per message; null in the embedded mode. */
  cluster: ClusterCost | null;
}

const messageTo = (device: number): string =>
  `{"message":{"alert":"Your code is ${100_000 + device}"},"target":{"deviceIds":["device-${device}"]}}`;

/** The framework alone: the same requests, answered with a constant. */
export function measureConstant({ target }: Stage, load: { connections: number; ms: number }): Promise<Load> {
  return applyLoad(target, (index) => `{"constant":true,${messageTo(index).slice(1)}`, load);
}

/** Sends messages to one device each in turn, and waits until all have arrived. */
export async function measureSingles(
  stage: Stage,
  devices: number,
  manner: { connections: number; ms: number; perSecond?: number },
): Promise<Singles> {
  const { sink } = stage;
  sink.read();
  /** Epoch ms by device; only the first message to each. */
  const accepted = new Map<number, number>();
  const arrived = new Map<number, number>();
  const times: number[] = [];
  const read = (): void => {
    for (const [device, at] of sink.read()) {
      times.push(at);
      if (!arrived.has(device)) arrived.set(device, at);
    }
  };
  let load: Load | undefined;
  let from = 0;
  let to = 0;
  const before = stage.cpu();
  const work = async (): Promise<number> => {
    from = Date.now();
    load = await applyLoad(stage.target, (index) => messageTo(index % devices), {
      ...manner,
      answered: (index) => index < devices && accepted.set(index, performance.timeOrigin + performance.now()),
    });
    to = Date.now();
    for (read(); times.length < load.requests; read()) {
      if (Date.now() > to + DRAIN_MS)
        throw new Error(`${load.requests - times.length} of ${load.requests} messages have not arrived`);
      await delay(POLL_MS);
    }
    return load.requests;
  };
  const cluster = stage.cluster ? await stage.cluster.measure(work) : (await work(), null);
  const after = stage.cpu();
  const { requests, perSecond, p50, p99 } = load!;
  const within = times.filter((at) => at <= to).length;
  const last = times.reduce((latest, at) => Math.max(latest, at), to);
  return {
    connections: manner.connections,
    acceptedPerSecond: perSecond,
    deliveredPerSecond: (within / (to - from)) * 1_000,
    backlog: requests - within,
    drainSeconds: (last - to) / 1_000,
    acceptMs: { p50, p99 },
    wireMs: quantilesOf([...accepted].map(([device, at]) => Math.max(0, arrived.get(device)! - at))),
    cpuUs: Object.fromEntries(
      Object.entries(after).map(([name, seconds]) => [name, ((seconds - before[name]!) / requests) * 1e6]),
    ),
    cluster,
  };
}

/** Codes one after the other without other work: from the 202 to the provider's answer. */
export async function measureIdle({ sink, target }: Stage): Promise<Quantiles> {
  sink.read();
  const waits: number[] = [];
  for (let device = 0; device < CODES; device++) {
    let at = 0;
    await applyLoad(target, () => messageTo(device), {
      connections: 1,
      // One request: the next one would be due after the end.
      ms: 1,
      perSecond: 1,
      answered: () => (at = performance.timeOrigin + performance.now()),
    });
    await delay(CODE_GAP_MS);
    let arrival = sink.read()[0];
    for (const deadline = Date.now() + DRAIN_MS; arrival === undefined; arrival = sink.read()[0]) {
      if (Date.now() > deadline) throw new Error('a code never arrived');
      await delay(POLL_MS);
    }
    waits.push(Math.max(0, arrival[1] - at));
  }
  return quantilesOf(waits);
}

function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
