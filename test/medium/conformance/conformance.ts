import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import { FcmProvider } from '../../../src/providers/fcm/fcm.provider.js';
import type { Recipient, Sender, Verdict } from '../../../src/providers/provider.js';
import type { TokenShelf } from '../../../src/providers/token-shelf.js';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { collect, notification } from '../providers/sending.js';

/**
 * The conformance tests of protocol/providers.md §10.4: the product's senders against the simulators in a process of
 * their own. Number 6 is test/e2e/wrong-environment.spec.ts, number 10 test/e2e/crash.spec.ts.
 */
vi.setConfig({ testTimeout: 120_000 });

/** Messages of the tests that are about many: a few seconds; CONFORMANCE_MESSAGES=1000000 is the size of §10.4. */
export const MESSAGES = Number(process.env['CONFORMANCE_MESSAGES'] ?? 20_000);

export interface Bench {
  simulators: RunningSimulators;
  openApns: () => Sender;
  /** With the account the simulator made, or another that was registered there; a shelf of its own unless given one. */
  openFcm: (account?: Record<string, unknown>, shelf?: TokenShelf) => Sender;
}

/** Simulators for the tests of one file, reset for each; the senders opened are closed after it. */
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

export interface Sent {
  /** Rounds after the first. */
  rounds: number;
  /** Recipients that were ambiguous, each time they were. */
  ambiguous: Recipient[];
  /** What was neither accepted nor to be sent again. */
  others: Verdict[];
}

/** Sends as delivery does, only without its waits: whatever may be sent again is, until all is settled. */
export async function sendUntilSettled(sender: Sender, to: readonly Recipient[], messageId = 'm1'): Promise<Sent> {
  const sent: Sent = { rounds: 0, ambiguous: [], others: [] };
  for (let due = [...to]; ; sent.rounds++) {
    const verdicts = await collect(sender, due, { message: notification(messageId) });
    const again: Recipient[] = [];
    for (const [index, verdict] of verdicts.entries()) {
      if (verdict.action === 'accept') continue;
      const recipient = due[index]!;
      if (verdict.action === 'ambiguous') sent.ambiguous.push(recipient);
      if (verdict.action === 'ambiguous' || verdict.action === 'retryBackoff') again.push(recipient);
      else sent.others.push(verdict);
    }
    if (again.length === 0) return sent;
    due = again;
  }
}
