import { wallClock } from '../../common/clock.js';
import { tunnelThrough, type Egress } from '../../common/tunnel.js';
import type { Header } from '../../http2/push.js';
import { PushPool } from '../../http2/pool.js';
import { callWithToken } from '../shared/bearer-call.js';
import { haveToken, type BearerTokens } from '../shared/bearer-tokens.js';
import { tooLarge } from '../shared/body-template.js';
import { fanOut, OUTSTANDING } from '../shared/fan-out.js';
import { HostBreaker } from '../shared/host-breaker.js';
import { meterOf } from '../shared/meter.js';
import type { Notification } from '../notification.js';
import type { Recipient, Sender, SenderStats, Verdict } from '../provider.js';
import { statsOf } from '../shared/pool-stats.js';
import { withLife } from '../shared/time-to-live.js';
import { Refusals } from '../shared/refusals.js';
import { StreamShare } from '../shared/stream-share.js';
import { readFcmOutcome } from './fcm.outcome.js';
import { MAX_BODY_BYTES, buildFcmBody, type FcmBody } from './fcm.payload.js';

const METER = meterOf('fcm');

/** At close, open requests may take as long as any request of the pool: 15 s. */
const GRACE_MS = 15_000;

/** Firebase: "validate_only: Flag for testing the request without actually delivering the message". */
const VALIDATION = '{"validate_only":true,"message":{"topic":"credentials-test"}}';

/** The connections of one application to FCM. */
export class FcmSender implements Sender {
  private readonly pool: PushPool;
  private readonly path: string;
  private readonly breaker = new HostBreaker();
  private readonly share = new StreamShare(() => this.pool.stats().capacity, OUTSTANDING);
  private readonly refusals = new Refusals();
  private authorized: { token: string; headers: readonly Header[] } | undefined;

  constructor(
    { url: origin, ...egress }: { url: string } & Egress,
    projectId: string,
    private readonly tokens: BearerTokens,
  ) {
    const { ca } = egress;
    this.pool = new PushPool({
      origin,
      tls: ca === undefined ? {} : { ca },
      tunnel: tunnelThrough(egress),
      meter: METER,
    });
    this.path = `/v1/projects/${encodeURIComponent(projectId)}/messages:send`;
  }

  async send(
    notification: Notification,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const settle = (index: number, verdict: Verdict): void =>
      report(index, withLife(verdict, notification.gcm?.timeToLive));
    if (!signal.aborted && !(await haveToken(this.tokens, recipients.length, settle))) return;
    const body = buildFcmBody(notification, wallClock());
    const { urgent } = notification;
    const deliver = (index: number): Promise<Verdict> => this.deliver({ body, urgent }, recipients[index]!, signal);
    const { breaker, share } = this;
    // The pool serves urgent requests first, so they need no share.
    if (urgent) return fanOut(recipients.length, deliver, settle, signal, { breaker });
    await share.use(() =>
      fanOut(recipients.length, deliver, settle, signal, { breaker, outstanding: () => share.each() }),
    );
  }

  /** Google checks the right to send in the project, and sends nothing. */
  async probe(signal: AbortSignal): Promise<Verdict> {
    const body = Buffer.from(VALIDATION);
    const { tokens, path } = this;
    const answer = await callWithToken(
      { tokens, signal },
      (token) => this.pool.send({ path, constant: this.headersFor(token), body, signal }),
      readFcmOutcome,
    );
    return 'outcome' in answer ? answer.outcome.verdict : answer.verdict;
  }

  stats(): SenderStats {
    return statsOf(this.pool);
  }

  close(): Promise<void> {
    return this.pool.close(GRACE_MS);
  }

  private async deliver(
    message: { body: FcmBody; urgent?: boolean },
    recipient: Recipient,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const { urgent } = message;
    const body = message.body.for(recipient.token, recipient.values);
    // A message without values was measured at acceptance. Only its token may be longer than assumed.
    if (recipient.values && body.length > MAX_BODY_BYTES) return tooLarge(body.length, MAX_BODY_BYTES);
    const { tokens, path } = this;
    const answer = await callWithToken(
      { tokens, signal },
      (token) => this.pool.send({ path, constant: this.headersFor(token), body, urgent, signal }),
      readFcmOutcome,
    );
    return 'outcome' in answer ? this.refusals.judge(answer.outcome.verdict) : answer.verdict;
  }

  /** The same array while the token stays: it contains nothing of the message. */
  private headersFor(token: string): readonly Header[] {
    if (this.authorized?.token !== token) {
      const headers: Header[] = [
        ['authorization', `Bearer ${token}`],
        ['content-type', 'application/json'],
      ];
      this.authorized = { token, headers };
    }
    return this.authorized.headers;
  }
}
