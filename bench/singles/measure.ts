import { setTimeout as delay } from 'node:timers/promises';
import { applyLoad } from '../api/load.js';
import type { Load, Target } from '../api/load.js';
import { cpuSeconds } from '../broadcast/usage.js';
import { quantilesOf } from '../quantile.js';
import type { Quantiles } from '../quantile.js';
import type { Cluster, ClusterCost } from '../servers/cluster.js';
import type { Sink } from './sink.js';

/** A message is lost if no message has arrived for so long. */
const LOST_MS = 20_000;
const POLL_MS = 50;
/** Codes that are sent one after the other, and the time between them. */
const CODES = 200;
const CODE_GAP_MS = 25;

/** Takes messages to devices, and sends them to the sink. */
export interface Sender {
  target: Target;
  bodyOf: (device: number) => string;
  /** The processes whose CPU is read. */
  pids: Record<string, number>;
  cluster?: Cluster;
}

export interface Singles {
  connections: number;
  acceptedPerSecond: number;
  /** Within the time of the load. */
  deliveredPerSecond: number;
  /** Accepted and not delivered when the load ended. */
  backlog: number;
  /** Accepted and never delivered. */
  lost: number;
  /** From the end of the load to the last delivery. */
  drainSeconds: number;
  /** From the request to its 202. */
  acceptMs: Quantiles;
  /** From the 202 to the provider's answer. */
  wireMs: Quantiles;
  /** Per message, by process. */
  cpuUs: Record<string, number>;
  /** Per message; null without PostgreSQL. */
  cluster: ClusterCost | null;
}

export interface Constant {
  perSecond: number;
  /** Of the process that answers, per request. */
  cpuUs: number;
}

/** The framework alone: the same requests, answered with a constant. */
export async function measureConstant(
  { target, bodyOf, pids }: Sender,
  load: { connections: number; ms: number },
): Promise<Constant> {
  const pid = (pids.api ?? pids.program)!;
  const before = cpuSeconds(pid);
  const { requests, perSecond } = await applyLoad(target, (i) => `{"constant":true,${bodyOf(i).slice(1)}`, load);
  return { perSecond, cpuUs: ((cpuSeconds(pid) - before) / requests) * 1e6 };
}

/** Sends messages to one device each in turn, and waits until all have arrived. */
export async function measureSingles(
  sender: Sender,
  sink: Sink,
  devices: number,
  manner: { connections: number; ms: number; perSecond?: number },
): Promise<Singles> {
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
  const before = mapValues(sender.pids, cpuSeconds);
  const work = async (): Promise<number> => {
    from = Date.now();
    load = await applyLoad(sender.target, (index) => sender.bodyOf(index % devices), {
      ...manner,
      answered: (index) => index < devices && accepted.set(index, performance.timeOrigin + performance.now()),
    });
    to = Date.now();
    for (let seen = -1, since = 0; times.length < load.requests; read()) {
      if (times.length > seen) [seen, since] = [times.length, Date.now()];
      else if (Date.now() > since + LOST_MS) break;
      await delay(POLL_MS);
    }
    return load.requests;
  };
  const cluster = sender.cluster ? await sender.cluster.measure(work) : (await work(), null);
  const after = mapValues(sender.pids, cpuSeconds);
  const { requests, perSecond, p50, p99 } = load!;
  const within = times.filter((at) => at <= to).length;
  const last = times.reduce((latest, at) => Math.max(latest, at), to);
  return {
    connections: manner.connections,
    acceptedPerSecond: perSecond,
    deliveredPerSecond: (within / (to - from)) * 1_000,
    backlog: requests - within,
    lost: requests - times.length,
    drainSeconds: (last - to) / 1_000,
    acceptMs: { p50, p99 },
    wireMs: quantilesOf(
      [...accepted].map(([device, at]) => Math.max(0, arrived.get(device)! - at)).filter(Number.isFinite),
    ),
    cpuUs: mapValues(after, (seconds, name) => ((seconds - before[name]!) / requests) * 1e6),
    cluster,
  };
}

/** Codes one after the other without other work: from the 202 to the provider's answer. */
export async function measureIdle({ target, bodyOf }: Sender, sink: Sink): Promise<Quantiles> {
  sink.read();
  const waits: number[] = [];
  for (let device = 0; device < CODES; device++) {
    let at = 0;
    await applyLoad(target, () => bodyOf(device), {
      connections: 1,
      // One request: the next one would be due after the end.
      ms: 900,
      perSecond: 1,
      answered: () => (at = performance.timeOrigin + performance.now()),
    });
    await delay(CODE_GAP_MS);
    let arrival = sink.read()[0];
    for (const deadline = Date.now() + LOST_MS; arrival === undefined; arrival = sink.read()[0]) {
      if (Date.now() > deadline) throw new Error('a code never arrived');
      await delay(POLL_MS);
    }
    waits.push(Math.max(0, arrival[1] - at));
  }
  return quantilesOf(waits);
}

function mapValues(
  values: Record<string, number>,
  map: (value: number, name: string) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]));
}
