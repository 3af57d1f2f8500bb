import { wallClock } from '../../common/clock.js';
import type { Header } from '../../http2/push.js';
import { BodyTemplate, tooLarge } from '../shared/body-template.js';
import { fanOut, NOT_SENT } from '../shared/fan-out.js';
import { HostBreakers } from '../shared/host-breaker.js';
import type { Notification } from '../notification.js';
import type { Recipient, Sender, SenderStats, Verdict } from '../provider.js';
import { withLife } from '../shared/time-to-live.js';
import type { Encrypter } from './web-push.encrypter.js';
import { MAX_PLAINTEXT_BYTES } from './web-push.encryption.js';
import { readEndpoint, type Endpoint, type EndpointRules } from './web-push.endpoint.js';
import { Origins, type Channel, type OriginsOptions } from './web-push.origins.js';
import { readWebPushOutcome, type WebPushOutcome } from './web-push.outcome.js';
import { timeToLiveOf, webPushBody, webPushHeaders } from './web-push.payload.js';
import { Standing, type Judged } from './web-push.standing.js';
import { readSubscription } from './web-push.subscription.js';
import type { VapidTokens } from './web-push.vapid.js';

export type WebPushSenderOptions = OriginsOptions & EndpointRules;

/** The connections of one application to the push services of browsers. */
export class WebPushSender implements Sender {
  private readonly origins: Origins;
  private readonly breakers = new HostBreakers();
  private readonly sending = new Set<Promise<void>>();
  private closed = false;
  private readonly standing = new Standing();

  constructor(
    private readonly vapid: VapidTokens,
    private readonly encrypter: Encrypter,
    private readonly options: WebPushSenderOptions,
  ) {
    this.origins = new Origins(options);
    encrypter.retain();
  }

  send(
    notification: Notification,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const push = new Push(notification, wallClock());
    const deliver = (index: number): Promise<Verdict> => this.deliver(push, recipients[index]!, signal);
    const settle = (index: number, verdict: Verdict): void =>
      report(index, withLife(verdict, timeToLiveOf(notification, recipients[index]!.platform)));
    const sent = fanOut(recipients.length, deliver, settle, signal).finally(() => this.sending.delete(sent));
    this.sending.add(sent);
    return sent;
  }

  /** There is no server to ask: each push service compares the signature with the public key of its subscription. */
  probe(): Promise<Verdict> {
    const reason = 'the private key does not belong to the public key';
    return Promise.resolve(this.vapid.isPair() ? { action: 'accept' } : { action: 'stopApplication', reason });
  }

  stats(): SenderStats {
    return this.origins.stats();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.origins.close();
    // Deliveries that have no connection yet are refused, so the encrypter can close.
    await Promise.allSettled(this.sending);
    await this.encrypter.close();
  }

  private async deliver(push: Push, recipient: Recipient, signal: AbortSignal): Promise<Verdict> {
    const { token, platform } = recipient;
    const plaintext = push.body(recipient);
    if (recipient.values && plaintext.length > MAX_PLAINTEXT_BYTES)
      return tooLarge(plaintext.length, MAX_PLAINTEXT_BYTES);
    const subscription = readSubscription(token);
    if (typeof subscription === 'string') return unusable('the token is no subscription');
    const { userPublicKey, userAuth } = subscription;
    const endpoint = readEndpoint(subscription.endpoint, this.options);
    if (typeof endpoint === 'string') return unusable(endpoint);
    const breaker = this.breakers.for(endpoint.origin);
    const held = breaker.held();
    if (held !== undefined) return held;
    let refused: string | undefined;
    const verdict = await this.origins.with(endpoint, async (channel) => {
      const body = await this.encrypter.encrypt({ plaintext, userPublicKey, userAuth });
      if (body === undefined) return unusable('userPublicKey is not on the curve');
      if (signal.aborted) return NOT_SENT;
      const judged = await this.post(push, { endpoint, platform, body }, channel, signal);
      refused = judged.refused;
      return judged.verdict;
    });
    // A refusal by our own close says nothing about the host.
    if (this.closed) return verdict;
    if (refused !== undefined) breaker.refuse(refused);
    else breaker.note(verdict);
    if (verdict.action === 'stopApplication') this.breakers.clear();
    return verdict;
  }

  private async post(
    push: Push,
    { endpoint, platform, body }: { endpoint: Endpoint; platform: string; body: Uint8Array },
    channel: Channel,
    signal: AbortSignal,
  ): Promise<Judged> {
    const { origin, path } = endpoint;
    for (let replayed = false; ; replayed = true) {
      const authorization = this.vapid.current(origin);
      const constant = push.headers(endpoint, platform, authorization);
      const result = await channel.send({ path, constant, body, urgent: push.notification.urgent, signal });
      if (result.kind === 'refused' && signal.aborted) return { verdict: NOT_SENT };
      const outcome = readWebPushOutcome(result, wallClock());
      if (outcome.retire === true && result.kind === 'answered') channel.retire(result.connection);
      const mayReplay =
        outcome.replay === 'again' || (outcome.replay === 'renewed' && this.vapid.replace(origin, authorization));
      if (replayed || !mayReplay) return this.conclude(origin, outcome);
      if (signal.aborted) return { verdict: NOT_SENT };
    }
  }

  /** Verdicts about devices count for their origin only. */
  private conclude(origin: string, { verdict, suspectKey }: WebPushOutcome): Judged {
    const judged = this.standing.judge(origin, verdict, suspectKey === true);
    const { action } = judged.verdict;
    if (action !== 'accept' && action !== 'acceptDropped' && action !== 'dropDevice') return judged;
    return { ...judged, verdict: { ...judged.verdict, peer: origin } };
  }
}

/** Guarded: a fault in reading tokens must not remove an application's devices. */
function unusable(reason: string): Verdict {
  return { action: 'dropDevice', reason, certain: false, peer: 'no origin' };
}

/** One notification: a body per platform, and one array of headers per platform and JWT. */
class Push {
  private readonly bodies = new Map<string, Buffer>();
  private readonly templates = new Map<string, BodyTemplate | null>();
  private readonly constants = new Map<string, readonly Header[]>();

  constructor(
    readonly notification: Notification,
    private readonly now: number,
  ) {}

  body({ platform, values = {} }: Recipient): Buffer {
    if (!this.templates.has(platform))
      this.templates.set(
        platform,
        BodyTemplate.of(this.notification, (each) => webPushBody(each, platform)),
      );
    const filled = this.templates.get(platform)?.fill(values);
    if (filled) return filled;
    let body = this.bodies.get(platform);
    if (body === undefined) this.bodies.set(platform, (body = webPushBody(this.notification, platform)));
    return body;
  }

  headers({ isWindows }: Endpoint, platform: string, authorization: string): readonly Header[] {
    const key = `${platform} ${isWindows} ${authorization}`;
    let headers = this.constants.get(key);
    if (headers === undefined) {
      const own = webPushHeaders(this.notification, platform, this.now);
      // Without this header, Microsoft answers 400 to a TTL of 0 ("TTL conflicts with cache policy").
      const policy = own.some(([name, value]) => name === 'ttl' && value === '0') ? 'no-cache' : 'cache';
      const windows: Header[] = isWindows ? [['x-wns-cache-policy', policy]] : [];
      headers = [...own, ...windows, ['authorization', authorization]];
      this.constants.set(key, headers);
    }
    return headers;
  }
}
