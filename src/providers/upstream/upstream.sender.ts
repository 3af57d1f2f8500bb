import type { LookupFunction } from 'node:net';
import { writeJson } from '../../common/json.js';
import type { Way } from '../../common/tunnel.js';
import { callWithToken } from '../shared/bearer-call.js';
import { BearerTokens } from '../shared/bearer-tokens.js';
import { fanOut } from '../shared/fan-out.js';
import { HostBreaker } from '../shared/host-breaker.js';
import { Http1Client } from '../shared/http1-client.js';
import { probeTokens } from '../shared/probe.js';
import { meterOf } from '../shared/meter.js';
import type { Notification } from '../notification.js';
import type { Recipient, Sender, SenderStats, Verdict } from '../provider.js';
import type { TokenShelf } from '../token-shelf.js';
import { VIA } from './upstream.route.js';
import { LARGEST_ANSWER, readUpstreamOutcome } from './upstream.outcome.js';
import { endpointsOf } from './upstream.settings.js';
import type { UpstreamCredentials } from './upstream.settings.js';
import { upstreamGrant } from './upstream.token.js';

const METER = meterOf('upstream');

/** More than a worker process sends at once on both lanes, so no request waits for a socket. */
const CONNECTIONS = 64;
/** An application server needs time for a message to thousands of users. A request that is cut short stays unknown. */
const DEADLINE_MS = 30_000;
/**
 * Below the keep-alive of common servers (Node 5 s, Liberty 30 s): a server that closes during a request makes it
 * unknown.
 */
const IDLE_MS = 4_000;
/** New tokens refused in a row, without an accepted message between them, after which a new token does not help. */
const REFUSED_TOKENS = 3;

export interface UpstreamOptions {
  way: Way;
  lookup: LookupFunction;
  /** From a request to its whole answer. */
  deadlineMs?: number;
}

/** The connections of one application to its MobileFirst server. Each message is one request with the caller's body. */
export class UpstreamSender implements Sender {
  private readonly client: Http1Client;
  private readonly tokens: BearerTokens;
  private readonly url: string;
  private readonly breaker = new HostBreaker();
  private readonly refused = new Set<string>();

  constructor(
    { way, lookup, deadlineMs = DEADLINE_MS }: UpstreamOptions,
    credentials: UpstreamCredentials,
    applicationId: string,
    shelf: TokenShelf,
  ) {
    const { tokenUrl, messagesUrl } = endpointsOf(credentials.baseUrl, applicationId);
    this.url = messagesUrl;
    this.client = new Http1Client({
      ...way,
      meter: METER,
      lookup,
      maxConnections: CONNECTIONS,
      idleMs: IDLE_MS,
      deadlineMs,
      largestAnswer: LARGEST_ANSWER,
    });
    this.tokens = new BearerTokens({ ...upstreamGrant(credentials, tokenUrl, applicationId), lookup }, way, shelf);
  }

  /** The only recipient is the upstream, which reaches the devices. */
  async send(
    { messageId, relay }: Notification,
    recipients: readonly Recipient[],
    report: (index: number, verdict: Verdict) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (!relay) throw new Error('a message without a request to relay was given to the upstream');
    const body = Buffer.from(writeJson(relay));
    await fanOut(recipients.length, () => this.deliver(messageId, body, signal), report, signal, {
      breaker: this.breaker,
    });
  }

  /** A token with the scope that a message needs. */
  probe(): Promise<Verdict> {
    return probeTokens(this.tokens);
  }

  stats(): SenderStats {
    return this.client.stats();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  private async deliver(messageId: string, body: Buffer, signal: AbortSignal): Promise<Verdict> {
    const { tokens } = this;
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      via: VIA,
      // MobileFirst ignores this header; another Carillon recognises a repeat by it.
      'idempotency-key': messageId,
    };
    const answer = await callWithToken(
      { tokens, signal },
      (token) => this.client.post(this.url, { ...headers, authorization: `Bearer ${token}` }, body, signal),
      readUpstreamOutcome,
    );
    if (!('outcome' in answer)) return answer.verdict;
    const { token, outcome } = answer;
    const { verdict, tokenRefused } = outcome;
    if (verdict.action === 'accept') this.refused.clear();
    // A token from before the scope was widened would keep failing.
    if (tokenRefused || verdict.action === 'stopApplication') tokens.refuse(token);
    return tokenRefused ? this.conclude(token, verdict) : verdict;
  }

  /**
   * The second token of one request was refused as well: a transient fault, or a push service that trusts another
   * runtime.
   */
  private conclude(token: string, verdict: Verdict): Verdict {
    this.refused.add(token);
    if (this.refused.size < REFUSED_TOKENS) return verdict;
    this.refused.clear();
    return {
      action: 'stopApplication',
      reason: 'HTTP 401: the upstream’s push service refuses the tokens of its own runtime; check baseUrl',
    };
  }
}
