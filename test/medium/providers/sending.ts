import type { Notification } from '../../../src/providers/notification.js';
import type { Recipient, Sender, Verdict } from '../../../src/providers/provider.js';

export function notification(messageId = 'fnDWK8bG'): Notification {
  return { messageId, collapseId: messageId, alert: 'Grüße', expiresAt: Date.now() + 3_600_000 };
}

/** Recipients with hex tokens of 64 characters, numbered from `from`. */
export function recipients(count: number, from = 0): Recipient[] {
  return Array.from({ length: count }, (_, index) => ({
    token: (from + index).toString(16).padStart(64, '0'),
    platform: 'A',
    registeredAt: 0,
  }));
}

/** Sends, checks for one report per recipient, and returns the verdicts by index. */
export async function collect(
  sender: Pick<Sender, 'send'>,
  to: readonly Recipient[],
  options: { message?: Notification; signal?: AbortSignal } = {},
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const report = (index: number, verdict: Verdict): void => {
    if (verdicts[index] !== undefined) throw new Error(`index ${index} was reported twice`);
    verdicts[index] = verdict;
  };
  await sender.send(options.message ?? notification(), to, report, options.signal ?? new AbortController().signal);
  if (Object.keys(verdicts).length !== to.length) throw new Error('not every recipient was reported');
  return verdicts;
}

/** Counts the verdicts, e.g. `{ accept: 3, 'fail BadPath': 1 }`. */
export function tally(verdicts: readonly Verdict[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const verdict of verdicts) {
    const name = 'reason' in verdict ? `${verdict.action} ${verdict.reason}` : verdict.action;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
