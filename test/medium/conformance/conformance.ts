import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import { FcmProvider } from '../../../src/providers/fcm/fcm.provider.js';
import type { Recipient, Sender, Verdict } from '../../../src/providers/provider.js';
import type { TokenShelf } from '../../../src/providers/token-shelf.js';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { collect, notification, recipients } from '../providers/sending.js';

/**
 * The conformance tests of docs/protocol/providers.md §10.4: the product's senders against simulators in a separate
 * process. Number 6 is test/e2e/wrong-environment.spec.ts, number 10 test/e2e/crash.spec.ts.
 */

/** Messages of the tests with many messages; takes a few seconds. CONFORMANCE_MESSAGES=1000000 for the full size. */
export const MESSAGES = Number(process.env['CONFORMANCE_MESSAGES'] ?? 20_000);
/** As in the product's workers: several batches of a thousand at once. So the memory is the same for any size. */
const BATCH = 1_000;
export const CALLS_AT_ONCE = 4;
/** Far more than chance explains: after this, something refuses permanently. */
const MOST_ROUNDS = 100;

// A busy machine with two cores still does 500 a second.
vi.setConfig({ testTimeout: Math.max(120_000, MESSAGES * 2) });

export interface Bench {
  simulators: RunningSimulators;
  openApns: () => Sender;
  /** With the simulator's account or another registered one, and a new shelf unless one is given. */
  openFcm: (account?: Record<string, unknown>, shelf?: TokenShelf) => Sender;
}

/** Simulators for the tests of one file, reset for each test; opened senders are closed after it. */
export function useSimulators(): Bench {
  const open: Sender[] = [];
  const opened = (sender: Sender): Sender => {
    open.push(sender);
    return sender;
  };
  const bench = {} as Bench;

  beforeAll(async () => {
    const simulators = await startSimulators();
    const { ca, credentials } = simulators;
    const apns = new ApnsProvider({ productionUrl: simulators.apns.url, sandboxUrl: simulators.apns.url, ca });
    const fcm = new FcmProvider({ url: simulators.fcm.url, ca });
    bench.simulators = simulators;
    bench.openApns = () => opened(apns.open(apns.parseSettings({ ...credentials.apns }), new MemoryShelf()));
    bench.openFcm = (account = { ...credentials.fcm }, shelf = new MemoryShelf()) =>
      opened(fcm.open(fcm.parseSettings(account), shelf));
  });
  beforeEach(() => bench.simulators.admin.reset());
  afterEach(async () => {
    for (const sender of open.splice(0)) await sender.close();
  });
  afterAll(() => bench.simulators.stop());
  return bench;
}

const AGAIN: ReadonlySet<Verdict['action']> = new Set(['ambiguous', 'retryBackoff', 'held', 'notSent']);

export interface Sent {
  /** Ambiguous recipients, once per occurrence. */
  ambiguous: Recipient[];
  /** Counts of other verdicts: a list of a million would not fit. */
  others: Record<string, number>;
}

/** Sends to `count` recipients like delivery, without its waits: repeats retryable deliveries until all are settled. */
export async function sendUntilSettled(sender: Sender, count: number, messageId = 'm1'): Promise<Sent> {
  const sent: Sent = { ambiguous: [], others: {} };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const from = next;
      next += BATCH;
      await settle(sender, recipients(Math.min(BATCH, count - from), from), messageId, sent);
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, lane));
  return sent;
}

async function settle(sender: Sender, to: readonly Recipient[], messageId: string, sent: Sent): Promise<void> {
  let due = to;
  for (let round = 0; due.length > 0; round++) {
    if (round === MOST_ROUNDS) throw new Error(`${due.length} recipients were not settled in ${MOST_ROUNDS} rounds`);
    const verdicts = await collect(sender, due, { message: notification(messageId) });
    const again: Recipient[] = [];
    let heldMs = 0;
    for (const [index, verdict] of verdicts.entries()) {
      if (verdict.action === 'accept') continue;
      const recipient = due[index]!;
      if (verdict.action === 'ambiguous') sent.ambiguous.push(recipient);
      // The breaker of a host is open for a while after many requests were cut off.
      if (verdict.action === 'held') heldMs = Math.max(heldMs, verdict.forMs);
      if (AGAIN.has(verdict.action)) again.push(recipient);
      else sent.others[verdict.action] = (sent.others[verdict.action] ?? 0) + 1;
    }
    due = again;
    await delay(heldMs);
  }
}

/** Prints the figures of a run with a given size as a line of JSON, with peak memory in MB if the system tells it. */
export function printFigures(figures: Record<string, unknown>, simulatorPid: number): void {
  if (process.env['CONFORMANCE_MESSAGES'] === undefined) return;
  const peakMb = { sender: peakOf(process.pid), simulator: peakOf(simulatorPid) };
  process.stdout.write(`${JSON.stringify({ ...figures, peakMb })}\n`);
}

function peakOf(pid: number): number | null {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? null : Math.round(Number(kilobytes) / 1_024);
  } catch {
    return null;
  }
}
