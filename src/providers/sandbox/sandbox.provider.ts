import { setTimeout as delay } from 'node:timers/promises';
import { NOT_SENT } from '../shared/fan-out.js';
import type { Notification } from '../notification.js';
import type { Identified, Provider, Recipient, Sender, Verdict } from '../provider.js';
import { sandboxOutcome, type SandboxOutcome } from './sandbox.outcome.js';

/** Remembered pairs of message and token, which get another verdict the second time. The oldest are removed first. */
const REMEMBERED = 10_000;

/**
 * A provider without a network: the device's token chooses the verdict. For trials and for tests of the parts around a
 * provider. Its memory belongs to this process.
 */
export class SandboxProvider implements Provider {
  readonly name = 'sandbox';
  readonly maxBytes = 4096;
  readonly parseSettings = null;
  private readonly seen = new Set<string>();

  /** Accepts any text. */
  identify(token: string): Identified {
    return { identity: token };
  }

  measure({ messageId, alert, url }: Notification): number {
    return Buffer.byteLength(JSON.stringify({ messageId, alert, url }));
  }

  render({ messageId, alert, url }: Notification): string[] {
    return [JSON.stringify({ messageId, alert, url })];
  }

  open(): Sender {
    return {
      send: (notification, recipients, report, signal) => this.send(notification.messageId, recipients, report, signal),
      stats: () => ({ connections: 0, streams: 0, inFlight: 0 }),
      close: () => Promise.resolve(),
    };
  }

  /** Reports all devices except slow ones before it returns: a promise per device would cost more than the answer. */
  private async send(
    messageId: string,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const slow: { index: number; verdict: Verdict; delayMs: number }[] = [];
    let stopped = false;
    for (const [index, { token }] of recipients.entries()) {
      if (stopped || signal.aborted) {
        report(index, NOT_SENT);
        continue;
      }
      const outcome = sandboxOutcome(token);
      const verdict = outcome.again === undefined ? outcome.verdict : this.byTimesSeen(messageId, token, outcome);
      stopped = verdict.action === 'stopApplication';
      if (outcome.delayMs === undefined) report(index, verdict);
      else slow.push({ index, verdict, delayMs: outcome.delayMs });
    }
    if (slow.length === 0) return;
    await delay(Math.max(...slow.map(({ delayMs }) => delayMs)));
    for (const { index, verdict } of slow) report(index, verdict);
  }

  private byTimesSeen(messageId: string, token: string, { verdict, again }: SandboxOutcome): Verdict {
    const pair = `${messageId}\n${token}`;
    if (again !== undefined && this.seen.has(pair)) return again;
    this.seen.add(pair);
    // A Set keeps the order of insertion.
    for (const oldest of this.seen) {
      if (this.seen.size <= REMEMBERED) break;
      this.seen.delete(oldest);
    }
    return verdict;
  }
}
