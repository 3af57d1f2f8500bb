import { wallClock } from '../../common/clock.js';
import type { Tunnel } from '../../common/tunnel.js';
import type { Header, PushPoolOptions } from '../../http2/push.js';
import { PushPool } from '../../http2/pool.js';
import { BodyTemplate, tooLarge } from '../shared/body-template.js';
import { fanOut, NOT_SENT, OUTSTANDING } from '../shared/fan-out.js';
import { HostBreaker } from '../shared/host-breaker.js';
import { meterOf } from '../shared/meter.js';
import type { Notification } from '../notification.js';
import type { Recipient, Sender, SenderStats, Verdict } from '../provider.js';
import { statsOf } from '../shared/pool-stats.js';
import { probeWithToken } from '../shared/probe.js';
import { Refusals } from '../shared/refusals.js';
import { StreamShare } from '../shared/stream-share.js';
import { isDeviceToken } from './apns.device-token.js';
import { readApnsOutcome } from './apns.outcome.js';
import { type ApnsPayload, MAX_BODY_BYTES, apnsBody, apnsId, apnsIdStart, buildApnsPayload } from './apns.payload.js';
import type { ProviderToken } from './apns.token.js';

const METER = meterOf('apns');

/** APNs gives out no token of zeros. */
const NO_DEVICE = '0'.repeat(64);
/** At close, open requests may take as long as any request of the pool: 15 s. */
const GRACE_MS = 15_000;
/** The topic has to be refused this often in a row before the application stops. */
const TOPIC_REFUSALS = 3;

/** The connections of one application to one APNs environment. */
export class ApnsSender implements Sender {
  private pool: PushPool;
  private readonly draining = new Set<Promise<void>>();
  private readonly breaker = new HostBreaker();
  private readonly share = new StreamShare(() => this.pool.stats().capacity, OUTSTANDING);
  private readonly refusals = new Refusals();
  /** The JWT that APNs refused although it was too young to be replaced. */
  private doubted: string | undefined;
  private closed = false;

  constructor(
    private readonly origin: string,
    private readonly tunnel: Tunnel | undefined,
    /** Trusted authorities, and the client certificate if there is one. */
    private readonly tls: NonNullable<PushPoolOptions['tls']>,
    private readonly bundleId: string,
    /** Null if a certificate identifies the sender. */
    private readonly token: ProviderToken | null,
  ) {
    this.pool = this.openPool();
  }

  send(
    notification: Notification,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const push = new Push(notification, buildApnsPayload(notification, this.bundleId, wallClock()));
    const deliver = (index: number): Promise<Verdict> => this.deliver(push, recipients[index]!, signal);
    const { breaker, share } = this;
    // The pool serves urgent requests first, so they need no share.
    if (notification.urgent) return fanOut(recipients.length, deliver, report, signal, { breaker });
    return share.use(() =>
      fanOut(recipients.length, deliver, report, signal, { breaker, outstanding: () => share.each() }),
    );
  }

  probe(signal: AbortSignal): Promise<Verdict> {
    return probeWithToken(this, NO_DEVICE, signal);
  }

  stats(): SenderStats {
    return statsOf(this.pool);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([this.pool.close(GRACE_MS), ...this.draining]);
  }

  private async deliver(push: Push, recipient: Recipient, signal: AbortSignal): Promise<Verdict> {
    if (!isDeviceToken(recipient.token)) return { action: 'dropDevice', reason: 'TokenNotHex', certain: false };
    const path = `/3/device/${recipient.token}`;
    const body = push.body(recipient);
    if (recipient.values && body.length > MAX_BODY_BYTES) return tooLarge(body.length, MAX_BODY_BYTES);
    const headers: Header[] = [['apns-id', apnsId(push.idStart, recipient.token)]];
    for (let replayed = false; ;) {
      const jwt = this.token && (this.token.current() ?? (await this.token.obtain()));
      const pool = this.pool;
      const constant = push.constant(jwt);
      const result = await pool.send({
        path,
        constant,
        headers,
        body,
        urgent: push.notification.urgent,
        signal,
      });
      // The pool was replaced while this request waited for a stream.
      if (result.kind === 'refused' && (push.stopped || signal.aborted)) return NOT_SENT;
      if (result.kind === 'refused' && pool !== this.pool) continue;

      const outcome = readApnsOutcome(result, recipient.registeredAt);
      if (outcome.retire && result.kind === 'answered') pool.retire(result.connection);
      if (outcome.replay !== undefined && !replayed) {
        if (signal.aborted || this.closed) return NOT_SENT;
        replayed = true;
        if (outcome.replay === 'either' && jwt !== null) await this.token?.replaceExpired(jwt);
        if (outcome.replay !== 'renewed' || (await this.renew(jwt, push, pool))) continue;
      }
      const verdict = this.refusals.judge(outcome.verdict, outcome.suspectTopic && TOPIC_REFUSALS);
      if (verdict.action === 'stopApplication') this.stop(push, pool);
      return verdict;
    }
  }

  /**
   * After APNs refused a JWT: returns true if the request should be repeated, with another JWT, or once with the same
   * JWT on new connections. A connection that has seen an expired JWT refuses all later ones.
   */
  private async renew(refused: string | null, push: Push, pool: PushPool): Promise<boolean> {
    if (refused === null || this.token === null || push.stopped) return false;
    if (pool === this.pool) await this.token.replaceExpired(refused);
    // Another delivery has already replaced the pool.
    if (pool !== this.pool) return true;
    if (this.token.current() === refused) {
      if (this.doubted === refused) return false;
      this.doubted = refused;
    }
    this.replacePool(pool);
    return true;
  }

  /** Requests that wait for a stream do not try the refused credentials again, one primer after another. */
  private stop(push: Push, pool: PushPool): void {
    push.stopped = true;
    this.replacePool(pool);
  }

  private replacePool(pool: PushPool): void {
    if (pool !== this.pool || this.closed) return;
    this.pool = this.openPool();
    const drained = pool.close(GRACE_MS).finally(() => this.draining.delete(drained));
    this.draining.add(drained);
  }

  private openPool(): PushPool {
    return new PushPool({
      origin: this.origin,
      tls: this.tls,
      tunnel: this.tunnel,
      // As Apple asks: these headers differ in each request and would fill the compression table.
      neverIndex: ['authorization', 'apns-id'],
      // APNs allows one stream until it has accepted a JWT; a certificate is checked in the handshake.
      primer: this.token !== null,
      meter: METER,
    });
  }
}

/** One notification and its headers with the JWT: the same array while the JWT stays. */
class Push {
  /** Another delivery of this notification stopped the application. */
  stopped = false;
  private jwt: string | null = null;
  private headers: readonly Header[];
  private readonly template: BodyTemplate | null;
  readonly idStart: string;

  constructor(
    readonly notification: Notification,
    readonly payload: ApnsPayload,
  ) {
    this.headers = payload.headers;
    this.template = BodyTemplate.of(notification, apnsBody);
    this.idStart = apnsIdStart(notification.messageId);
  }

  body({ values = {} }: Recipient): Buffer {
    return this.template?.fill(values) ?? this.payload.body;
  }

  constant(jwt: string | null): readonly Header[] {
    if (jwt !== null && jwt !== this.jwt) {
      this.jwt = jwt;
      this.headers = [['authorization', `bearer ${jwt}`], ...this.payload.headers];
    }
    return this.headers;
  }
}
