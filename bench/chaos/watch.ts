import { setTimeout as delay } from 'node:timers/promises';
import type { Api, MessageReport } from '../../test/harness/api.js';
import type { RunningSimulators } from '../../test/simulators/client.js';
import type { SentLetter } from './account.js';

const LOOK_MS = 200;
const ENDED = ['finished', 'expired', 'cancelled'];

/** Watches the progress of the deliveries and every report: each must add up to its audience. */
export class Watch {
  longestStallMs = 0;
  readonly contradictions: string[] = [];
  private accepted = 0;
  private movedAt = performance.now();
  private readonly ended = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly simulators: RunningSimulators,
    private readonly sent: readonly SentLetter[],
    private readonly total: number,
  ) {}

  /** The accepted share of the whole audience, including repeats. */
  get share(): number {
    return this.accepted / this.total;
  }

  async waitForShare(share: number, atMostMs: number): Promise<void> {
    const deadline = performance.now() + atMostMs;
    while (this.share < share && performance.now() < deadline) await this.look();
  }

  /** Waits until every message has ended with nothing pending. */
  async waitForEnd(atMostMs: number): Promise<void> {
    const deadline = performance.now() + atMostMs;
    while (this.ended.size < this.sent.length && performance.now() < deadline) await this.look();
  }

  private async look(): Promise<void> {
    await delay(LOOK_MS);
    const { apns, fcm, webPush } = await this.simulators.admin.counters();
    const accepted = apns.accepted + fcm.accepted + webPush.accepted;
    const idle = this.ended.size === this.sent.length;
    if (!idle) this.longestStallMs = Math.max(this.longestStallMs, performance.now() - this.movedAt);
    if (idle || accepted > this.accepted) this.movedAt = performance.now();
    this.accepted = accepted;
    for (const { messageId } of this.sent) if (!this.ended.has(messageId)) await this.read(messageId);
  }

  private async read(messageId: string): Promise<void> {
    // While the API or the database is unavailable there is no report.
    const answer = await this.api.app<MessageReport>('GET', `/messages/${messageId}`).catch(() => null);
    if (!answer || answer.status >= 500) return;
    if (answer.status !== 200) {
      this.contradictions.push(`accepted with 202, then ${answer.status}: ${messageId}`);
      this.ended.add(messageId);
      return;
    }
    const { state, audience, outcomes } = answer.body;
    const sum = Object.values(outcomes).reduce((total, count) => total + count, 0);
    if (sum !== audience) this.contradictions.push(`outcomes sum to ${sum}: ${JSON.stringify(answer.body)}`);
    if (ENDED.includes(state) && outcomes.pending === 0 && outcomes.inFlight === 0) this.ended.add(messageId);
  }
}
