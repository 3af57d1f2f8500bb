import { constants, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../quantile.js';
import type { Attack } from './attack.js';
import { DOOR } from './door.js';
import { Neighbour } from './neighbour.js';
import type { Visit } from './neighbour.js';
import { PEERS, registerBrowsers } from './peers.js';
import { SECURITY } from './security.js';
import { ATTACKER_APP, NEIGHBOUR_APP, Stage } from './stage.js';

/**
 * Runs every attack beside a neighbour's messages and reports the longest stall of the loop, the neighbour's waits and
 * the lost messages.
 */

/** The longest allowed turn of the loop, ms. */
const LONGEST_STALL_MS = 50;
/**
 * A neighbour's p99 may double. Below one stall, the machine is the cause. The attacker shares two cores with the
 * program: if the p99 more than doubles, the same attack on another installation shows the machine's part.
 */
const LONGEST_FACTOR = 2;
/** Of a p99 that more than doubled: the middle one counts, because one stall of the disk is a p99 of 320 requests. */
const ROUNDS = 3;
const FINISH_MS = 60_000;

export interface Row {
  attack: string;
  section: Attack['section'];
  /** The longest turn of api and worker, ms of CPU; also the api's in wall time. */
  apiMs: number;
  workerMs: number;
  waitedMs: number;
  quietP99: number;
  p99: number;
  /** During the same attack on another installation; null if it was not needed. */
  besideP99: number | null;
  sent: number;
  lost: number;
  broken: string[];
}

export interface Options {
  /** The duration of each attack, and of the neighbour's run before it, ms. */
  attackMs: number;
  /** Run only attacks whose name contains this text. */
  only?: string;
  /** Judge the neighbour's p99, which takes some hundred requests an attack, one each 25 ms. */
  judgesP99?: boolean;
  log: (line: string) => void;
}

export async function runAttacks({ attackMs, only = '', judgesP99 = true, log }: Options): Promise<Row[]> {
  const rows: Row[] = [];
  const chosen = (attacks: readonly Attack[]): Attack[] => attacks.filter(({ name }) => name.includes(only));
  const parts = [
    { production: true, attacks: chosen([...DOOR, ...SECURITY]) },
    // In production addresses of this machine are not push services.
    { production: false, attacks: chosen(PEERS) },
  ];
  for (const { production, attacks } of parts) {
    if (attacks.length === 0) continue;
    const stage = await openStage(production);
    const neighbour = await Neighbour.open();
    let another: Stage | undefined;
    try {
      const calm = await visit(stage, neighbour, attacks[0]!, attackMs, () => Promise.resolve([]));
      log(`warm: ${calm.sent} messages`);
      for (const attack of attacks) {
        const quiet = await visit(stage, neighbour, attack, attackMs, () => Promise.resolve([]));
        const during = (attacked: Stage) =>
          visit(stage, neighbour, attack, attackMs, (signal) => elsewhere(() => attack.run(attacked, signal)));
        const row = judge(attack, quiet, await during(stage));
        if (judgesP99 && row.p99 > longest(row.quietP99)) {
          another ??= await openStage(production);
          const [under, beside] = [[row.p99], [(await during(another)).p99]];
          while (under.length < ROUNDS) {
            under.push((await during(stage)).p99);
            beside.push((await during(another)).p99);
          }
          judgeP99(row, quantile(under, 0.5), quantile(beside, 0.5));
        }
        log(describe(row));
        rows.push(row);
      }
    } finally {
      neighbour.close();
      await Promise.all([stage.close(), another?.close()]);
    }
  }
  return rows;
}

async function openStage(production: boolean): Promise<Stage> {
  const stage = await Stage.open({ production });
  for (const applicationId of [NEIGHBOUR_APP, ATTACKER_APP]) {
    const api = await stage.connect(applicationId);
    await api.call('POST', '/apps', { applicationId });
    await api.registerDevices([{ deviceId: 'target', platform: 'A', token: `sandbox:accepted:${applicationId}` }]);
  }
  if (!production) await registerBrowsers(stage);
  return stage;
}

function judge(attack: Attack, quiet: Seen, under: Seen): Row {
  const lost = quiet.lost + under.lost;
  const row: Row = {
    attack: attack.name,
    section: attack.section,
    apiMs: under.stalls.api.heldMs,
    workerMs: under.stalls.worker.heldMs,
    waitedMs: under.stalls.api.waitedMs,
    quietP99: quiet.p99,
    p99: under.p99,
    besideP99: null,
    sent: under.sent,
    lost,
    broken: under.broken,
  };
  if (lost > 0) row.broken.push(`${lost} messages of the neighbour were lost`);
  if (row.apiMs > LONGEST_STALL_MS) row.broken.push(`the api's loop was held for ${row.apiMs.toFixed(0)} ms`);
  if (row.workerMs > LONGEST_STALL_MS) row.broken.push(`the worker's loop was held for ${row.workerMs.toFixed(0)} ms`);
  return row;
}

function judgeP99(row: Row, p99: number, besideP99: number): void {
  row.p99 = p99;
  row.besideP99 = besideP99;
  if (row.p99 <= longest(Math.max(row.quietP99, besideP99))) return;
  const [quiet, under, beside] = [row.quietP99, row.p99, besideP99].map((ms) => ms.toFixed(0));
  row.broken.push(
    `the neighbour's p99 went from ${quiet} to ${under} ms, and to ${beside} ms if another installation was attacked`,
  );
}

function longest(p99: number): number {
  return Math.max(LONGEST_FACTOR * p99, LONGEST_STALL_MS);
}

/**
 * A caller has a machine of its own. Here it shares two cores with the program, so it gets only the time that the
 * measured processes leave. Without the right to raise the priority again (root), later stages start with the low one.
 */
async function elsewhere<T>(act: () => Promise<T>): Promise<T> {
  setPriority(constants.priority.PRIORITY_LOW);
  try {
    return await act();
  } finally {
    try {
      setPriority(constants.priority.PRIORITY_NORMAL);
    } catch {
      // All later processes have the same priority.
    }
  }
}

/** The neighbour's requests of a time, and the longest stalls. */
interface Seen {
  broken: string[];
  stalls: Awaited<ReturnType<Stage['stalls']>>;
  p99: number;
  sent: number;
  lost: number;
}

/** Runs the neighbour during `meanwhile`. */
async function visit(
  stage: Stage,
  neighbour: Neighbour,
  attack: Attack,
  ms: number,
  meanwhile: (signal: AbortSignal) => Promise<string[]>,
): Promise<Seen> {
  const api = await stage.connect(NEIGHBOUR_APP);
  const where = attack.neighbour ?? {
    path: `/imfpush/v1/apps/${NEIGHBOUR_APP}/messages`,
    body: '{"message":{"alert":"Your code is 123456"},"target":{"deviceIds":["target"]}}',
  };
  await stage.stalls();
  await neighbour.start({ url: stage.api.url, token: api.authorization.slice('Bearer '.length), ...where });
  const end = new AbortController();
  const [broken] = await Promise.all([meanwhile(end.signal), delay(ms).then(() => end.abort())]);
  const seen = await neighbour.stop();
  const stalls = await stage.stalls();
  const lost = await countLost(stage, seen);
  return { broken, stalls, p99: quantile(seen.took, 0.99), sent: seen.took.length, lost };
}

/** Messages that were refused, or accepted and then not delivered within a minute. */
async function countLost(stage: Stage, { accepted, refused }: Visit): Promise<number> {
  const api = await stage.connect(NEIGHBOUR_APP);
  const deadline = performance.now() + FINISH_MS;
  let waiting = accepted;
  for (;;) {
    const left: string[] = [];
    for (const id of waiting) {
      const { state, outcomes } = await api.message(id);
      if (state !== 'finished' || outcomes['accepted'] !== 1) left.push(id);
    }
    waiting = left;
    if (waiting.length === 0 || performance.now() > deadline) break;
    await delay(250);
  }
  return waiting.length + Object.values(refused).reduce((sum, count) => sum + count, 0);
}

export function describe(row: Row): string {
  const cells = [row.apiMs, row.workerMs, row.waitedMs, row.quietP99, row.p99, row.besideP99].map((ms) =>
    (ms?.toFixed(0) ?? '').padStart(7),
  );
  const lost = String(row.lost).padStart(6);
  return `${row.attack.padEnd(64)}${cells.join('')}${lost}  ${row.broken.join('; ') || 'kept'}`;
}
