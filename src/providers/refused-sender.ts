import type { Notification } from './notification.js';
import type { Recipient, Sender, SenderStats, Verdict } from './provider.js';
import { NOT_SENT } from './shared/fan-out.js';

/**
 * The sender for stored settings that must not be used: opens no connection and stops the application with the reason.
 */
export class RefusedSender implements Sender {
  constructor(private readonly reason: string) {}

  send(
    _notification: Notification,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
  ): Promise<void> {
    const stop: Verdict = { action: 'stopApplication', reason: this.reason };
    for (const index of recipients.keys()) report(index, index === 0 ? stop : NOT_SENT);
    return Promise.resolve();
  }

  stats(): SenderStats {
    return { connections: 0, streams: 0, inFlight: 0 };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
