import { wallClock } from '../../common/clock.js';
import { wayOf, type Egress } from '../../common/tunnel.js';
import { callWithToken } from '../shared/bearer-call.js';
import type { BearerAnswer } from '../shared/bearer-call.js';
import { BearerTokens, haveToken, type BearerTokenSource } from '../shared/bearer-tokens.js';
import { tooLarge } from '../shared/body-template.js';
import { fanOut, NOT_SENT } from '../shared/fan-out.js';
import { HostBreaker } from '../shared/host-breaker.js';
import { Http1Client } from '../shared/http1-client.js';
import { meterOf } from '../shared/meter.js';
import type { Notification } from '../notification.js';
import { fillNotification } from '../placeholders.js';
import type { Values } from '../placeholders.js';
import type { Recipient, Sender, SenderStats, Verdict } from '../provider.js';
import { probeWithToken } from '../shared/probe.js';
import { Refusals } from '../shared/refusals.js';
import { withLife } from '../shared/time-to-live.js';
import type { TokenShelf } from '../token-shelf.js';
import { readHmsOutcome, type HmsOutcome } from './hms.outcome.js';
import { MAX_BODY_BYTES, buildAndroidBody, buildHarmonyBody, type HmsBody } from './hms.payload.js';
import type { HmsCredentials } from './hms.settings.js';
import { clientGrant, ServiceAccountTokens } from './hms.token.js';

const METER = meterOf('hms');

/** Tokens of one request. */
const LARGEST_REQUEST = 1_000;
/** Each carries up to 1000 tokens; Huawei asks to spread the load. */
const CONNECTIONS = 8;
/** Not of the form of Huawei's tokens. */
const NO_DEVICE = 'no-device';
/** OAuth failures in a row that stop the application. A single one is a fault at Huawei's. */
const ACCESS_FAILURES = 3;

export interface HmsEndpoints {
  /** Origin of the send API, e.g. `https://push-api.cloud.huawei.com`. */
  url: string;
  /** For OAuth clients, e.g. `https://oauth-login.cloud.huawei.com/oauth2/v3/token`. */
  tokenUrl: string;
}

/** The body of one notification, and the body without urgency. */
interface Message {
  body: HmsBody;
  /** The same without urgency; undefined if the form has no urgency. */
  calmer: () => HmsBody | undefined;
}

/** The connections of one application to Push Kit: v1 for an OAuth client, v3 for a service account. */
export class HmsSender implements Sender {
  private readonly client: Http1Client;
  private readonly tokens: BearerTokenSource;
  private readonly url: string;
  private readonly harmony: boolean;
  private readonly breaker = new HostBreaker();
  private readonly refusals = new Refusals();
  private accessFailures = 0;

  constructor(endpoints: HmsEndpoints & Egress, credentials: HmsCredentials, shelf: TokenShelf) {
    const way = wayOf(endpoints);
    this.client = new Http1Client({ ...way, maxConnections: CONNECTIONS, meter: METER });
    this.harmony = credentials.kind === 'account';
    const path = credentials.kind === 'oauth' ? `/v1/${credentials.appId}` : `/v3/${credentials.projectId}`;
    this.url = new URL(`${path}/messages:send`, endpoints.url).href;
    this.tokens =
      credentials.kind === 'oauth'
        ? new BearerTokens(clientGrant(credentials, endpoints.tokenUrl), way, shelf)
        : new ServiceAccountTokens(credentials);
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
    const groups = groupByValues(recipients);
    const whole = notification.placeholders ? null : this.build(notification);
    const tokenOf = (index: number): string => recipients[index]!.token;
    const deliver = async (group: number): Promise<Verdict> => {
      const { indexes, values } = groups[group]!;
      const message = whole ?? this.build(fillNotification(notification, values));
      if (values !== NO_VALUES && message.body.bytes > MAX_BODY_BYTES) {
        const verdict = tooLarge(message.body.bytes, MAX_BODY_BYTES);
        for (const index of indexes) settle(index, verdict);
        return verdict;
      }
      const delivery = new GroupDelivery((tokens) => this.post(message, tokens, signal), tokenOf, settle);
      return delivery.send(indexes);
    };
    const reportUnsent = (group: number, verdict: Verdict): void => {
      if (verdict.action === 'notSent' || verdict.action === 'held')
        for (const index of groups[group]!.indexes) settle(index, verdict);
    };
    const { breaker } = this;
    await fanOut(groups.length, deliver, reportUnsent, signal, { outstanding: () => CONNECTIONS, breaker });
  }

  probe(signal: AbortSignal): Promise<Verdict> {
    return probeWithToken(this, NO_DEVICE, signal);
  }

  stats(): SenderStats {
    return this.client.stats();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  private build(notification: Notification): Message {
    const now = wallClock();
    if (this.harmony) return { body: buildHarmonyBody(notification, now), calmer: () => undefined };
    const body = buildAndroidBody(notification, now);
    return { body, calmer: () => buildAndroidBody(notification, now, 'NORMAL') };
  }

  /** Sends one request; repeats it once for a refused access token and once for a refused urgency. */
  private async post(message: Message, recipients: readonly string[], signal: AbortSignal): Promise<HmsOutcome> {
    const first = await this.call(message.body, recipients, signal);
    if (!('outcome' in first)) return first;
    if (first.outcome.again !== 'normal') return this.conclude(first.outcome);
    const calmer = message.calmer();
    if (calmer === undefined) return first.outcome;
    const second = await this.call(calmer, recipients, signal, !first.repeated);
    return 'outcome' in second ? this.conclude(second.outcome) : second;
  }

  private call(
    body: HmsBody,
    recipients: readonly string[],
    signal: AbortSignal,
    mayRepeat = true,
  ): Promise<BearerAnswer<HmsOutcome>> {
    const type = { 'content-type': 'application/json; charset=UTF-8' };
    return callWithToken(
      { tokens: this.tokens, signal, mayRepeat },
      (token) => {
        const headers = { ...type, ...body.headers, authorization: `Bearer ${token}` };
        return this.client.post(this.url, headers, body.for(recipients), signal);
      },
      readHmsOutcome,
    );
  }

  private conclude(outcome: HmsOutcome): HmsOutcome {
    const { verdict } = outcome;
    this.accessFailures = outcome.suspectAccess === true ? this.accessFailures + 1 : 0;
    if (this.accessFailures >= ACCESS_FAILURES && 'reason' in verdict)
      return { verdict: { action: 'stopApplication', reason: verdict.reason } };
    return { ...outcome, verdict: this.refusals.judge(verdict) };
  }
}

const NO_VALUES: Values = {};

interface Group {
  indexes: number[];
  values: Values;
}

/** Groups of at most 1000 recipients with equal values. */
function groupByValues(recipients: readonly Recipient[]): Group[] {
  const groups: Group[] = [];
  const open = new Map<string, Group>();
  for (const [index, { values }] of recipients.entries()) {
    const key = values === undefined ? '' : JSON.stringify(Object.entries(values).toSorted(byName));
    let group = open.get(key);
    if (!group || group.indexes.length === LARGEST_REQUEST) {
      group = { indexes: [], values: values ?? NO_VALUES };
      open.set(key, group);
      groups.push(group);
    }
    group.indexes.push(index);
  }
  return groups;
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}

/** Sends the tokens of one request and reports their verdicts. */
class GroupDelivery {
  constructor(
    private readonly post: (tokens: readonly string[]) => Promise<HmsOutcome>,
    private readonly tokenOf: (index: number) => string,
    private readonly report: (index: number, verdict: Verdict) => void,
  ) {}

  /** Reports every index; resolves with the verdict on the request as a whole. */
  async send(indexes: readonly number[]): Promise<Verdict> {
    const outcome = await this.ask(indexes);
    // The caller reports a request that was not begun.
    if (outcome.verdict === NOT_SENT) return NOT_SENT;
    await this.settle(indexes, outcome);
    return outcome.verdict;
  }

  private ask(indexes: readonly number[]): Promise<HmsOutcome> {
    return this.post(indexes.map(this.tokenOf));
  }

  /**
   * "All tokens are invalid" is believed for a group if both halves get the same answer; otherwise the halves are split
   * further. A wrong app costs three requests, one valid token among 1000 costs about twenty.
   */
  private async settle(indexes: readonly number[], outcome: HmsOutcome): Promise<void> {
    if (outcome.again !== 'split' || indexes.length === 1) return this.conclude(indexes, outcome);
    const middle = Math.ceil(indexes.length / 2);
    const halves = [indexes.slice(0, middle), indexes.slice(middle)] as const;
    const [first, second] = await Promise.all([this.ask(halves[0]), this.ask(halves[1])]);
    const agreed = first.again === 'split' && second.again === 'split';
    if (agreed) return this.conclude(indexes, outcome);
    await Promise.all([this.settle(halves[0], first), this.settle(halves[1], second)]);
  }

  private conclude(indexes: readonly number[], { verdict, byToken }: HmsOutcome): void {
    for (const index of indexes) this.report(index, byToken?.get(this.tokenOf(index)) ?? verdict);
  }
}
