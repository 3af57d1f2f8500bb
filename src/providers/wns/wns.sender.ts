import { wallClock } from '../../common/clock.js';
import { wayOf, type Egress } from '../../common/tunnel.js';
import { callWithToken } from '../shared/bearer-call.js';
import { BearerTokens, haveToken } from '../shared/bearer-tokens.js';
import { tooLarge } from '../shared/body-template.js';
import { fanOut, NOT_SENT } from '../shared/fan-out.js';
import { HostBreaker } from '../shared/host-breaker.js';
import { Http1Client } from '../shared/http1-client.js';
import { meterOf } from '../shared/meter.js';
import type { Notification } from '../notification.js';
import type { Recipient, Sender, SenderStats, Verdict } from '../provider.js';
import { probeTokens } from '../shared/probe.js';
import { Refusals } from '../shared/refusals.js';
import { StreamShare } from '../shared/stream-share.js';
import { withLife } from '../shared/time-to-live.js';
import type { TokenShelf } from '../token-shelf.js';
import { readChannel } from './wns.channel.js';
import { readWnsOutcome } from './wns.outcome.js';
import { MAX_BODY_BYTES, buildWnsRequests, type WnsRequest } from './wns.payload.js';
import type { WnsCredentials } from './wns.settings.js';
import { clientGrant, type WnsTokenEndpoints } from './wns.token.js';

const METER = meterOf('wns');

/** HTTP/1.1 carries one request at a time per connection: at 100 ms per answer, 64 are 640 a second. */
const CONNECTIONS = 64;

export interface WnsEndpoints extends WnsTokenEndpoints {
  /** Hosts of channels: one name, or `*.` and a name for any host below it; with a port if it is not 443. */
  channelHost: string;
}

/** The connections of one application to WNS. */
export class WnsSender implements Sender {
  private readonly client: Http1Client;
  private readonly tokens: BearerTokens;
  private readonly breaker = new HostBreaker();
  private readonly refusals = new Refusals();
  private readonly share = new StreamShare(() => CONNECTIONS, CONNECTIONS);

  constructor(
    private readonly endpoints: WnsEndpoints & Egress,
    credentials: WnsCredentials,
    shelf: TokenShelf,
  ) {
    const way = wayOf(endpoints);
    this.client = new Http1Client({ ...way, maxConnections: CONNECTIONS, meter: METER });
    this.tokens = new BearerTokens(clientGrant(credentials, endpoints), way, shelf);
  }

  async send(
    notification: Notification,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const settle = (index: number, verdict: Verdict): void =>
      report(index, withLife(verdict, notification.wns?.expirationTime));
    if (!signal.aborted && !(await haveToken(this.tokens, recipients.length, settle))) return;
    const requests = buildWnsRequests(notification, wallClock());
    const deliver = (index: number): Promise<Verdict> => this.deliver(requests, recipients[index]!, signal);
    const { breaker, share } = this;
    await share.use(() =>
      fanOut(recipients.length, deliver, settle, signal, { breaker, outstanding: () => share.each() }),
    );
  }

  /** Only a device's channel could tell more. */
  probe(): Promise<Verdict> {
    return probeTokens(this.tokens);
  }

  stats(): SenderStats {
    return this.client.stats();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** Sends badge, tile and toast one after another. The first that is not accepted gives the verdict. */
  private async deliver(
    general: readonly WnsRequest[],
    { token, values }: Recipient,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const requests = values
      ? general.map((request) => ({ ...request, body: request.fill?.(values) ?? request.body }))
      : general;
    const largest = Math.max(...requests.map(({ body }) => body.length));
    if (values && largest > MAX_BODY_BYTES) return tooLarge(largest, MAX_BODY_BYTES);
    const channel = readChannel(token, this.endpoints.channelHost);
    if (channel === undefined) return { action: 'dropDevice', reason: 'NoChannelOfWindows', certain: false };
    let verdict: Verdict = NOT_SENT;
    for (const request of requests) {
      // After a part was written, the delivery is no longer "not sent".
      verdict = await this.post(channel, request, request === requests[0] ? signal : undefined);
      if (verdict.action !== 'accept') break;
    }
    return verdict;
  }

  private async post(channel: string, { headers, body }: WnsRequest, signal?: AbortSignal): Promise<Verdict> {
    const answer = await callWithToken(
      { tokens: this.tokens, signal },
      (token) => this.client.post(channel, { ...headers, authorization: `Bearer ${token}` }, body, signal),
      readWnsOutcome,
    );
    return 'outcome' in answer ? this.refusals.judge(answer.outcome.verdict) : answer.verdict;
  }
}
