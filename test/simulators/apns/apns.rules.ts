import { randomUUID } from 'node:crypto';
import type { Connection } from '../shared/connection.js';
import type { Answer, Judgement, ProviderRules, ReceivedRequest } from '../shared/provider.js';
import type { ApnsSettings } from '../shared/settings.js';
import { isFields, type Fields } from '../shared/shape.js';
import { TokenRegistry } from '../shared/token-registry.js';
import { checkAuthority, type ConnectionAuthority } from './authority.js';
import { checkDeliveryHeaders, checkMessageId, findDuplicateHeader } from './header-rules.js';
import { ProviderTokens } from './provider-token.js';

const DEVICE_PATH = '/3/device/';
const MAX_BYTES = 4096;
const MAX_VOIP_BYTES = 5120;
const UNREGISTERED = 'Unregistered';

/** The status for each reason, from Apple's documentation. */
const STATUS: Readonly<Record<string, number>> = {
  BadPath: 404,
  MethodNotAllowed: 405,
  Unregistered: 410,
  ExpiredToken: 410,
  PayloadTooLarge: 413,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
};
const USUAL_REASON: Readonly<Record<number, string>> = {
  400: 'BadDeviceToken',
  403: 'ExpiredProviderToken',
  404: 'BadPath',
  405: 'MethodNotAllowed',
  410: UNREGISTERED,
  413: 'PayloadTooLarge',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
};
/** Fates of tokens named `dead` + digits. */
const REASON_BY_NAME: Readonly<Record<string, string>> = {
  '0400': 'BadDeviceToken',
  '0410': UNREGISTERED,
  '0429': 'TooManyRequests',
  '0500': 'InternalServerError',
  '0503': 'ServiceUnavailable',
};

interface Refusal {
  status: number;
  reason: string;
  detail: string;
  timestamp?: number;
}

/** APNs by its documentation: every request is checked in a fixed order, and the first fault determines the answer. */
export class ApnsRules implements ProviderRules {
  readonly name = 'apns';
  readonly overrunDebug = 'Maximum active streams violated';
  readonly tokens = new TokenRegistry(REASON_BY_NAME);
  readonly providerTokens = new ProviderTokens();
  private readonly authorities = new WeakMap<Connection, ConnectionAuthority>();

  constructor(private readonly settings: ApnsSettings) {}

  streams(connection: Connection): number {
    return this.authorityOf(connection).current ? this.settings.streams : this.settings.primerStreams;
  }

  reset(): void {
    this.tokens.reset();
    this.providerTokens.reset();
  }

  judge(request: ReceivedRequest): Judgement {
    const token = request.path.startsWith(DEVICE_PATH) ? request.path.slice(DEVICE_PATH.length).toLowerCase() : '';
    const { headers } = request;
    const given = headers['apns-id'];
    const authority = this.authorityOf(request.connection);
    const refusal = this.checkRequest(request, token, authority) ?? this.checkToken(request, token);
    if (refusal) return this.refuse(request, refusal, token, authority);
    const body = readPayload(request);
    if ('refusal' in body) return this.refuse(request, body.refusal, token, authority);
    if (this.tokens.overRate(token, this.settings.perTokenPerMinute, Date.now())) {
      const detail = 'more than this token may get in a minute';
      return this.refuse(request, { status: 429, reason: 'TooManyRequests', detail }, token, authority);
    }
    const providerId = typeof given === 'string' ? given : randomUUID();
    const collapseId = String(headers['apns-collapse-id'] ?? '');
    const answer: Answer = { status: 200, headers: { 'apns-id': providerId }, body: '' };
    if (this.settings.environment === 'sandbox') answer.headers['apns-unique-id'] = randomUUID();
    const messageId = readMessageId(body.payload) ?? collapseId;
    return { kind: 'accept', answer, acceptance: { token, messageId, collapseId, providerId, body: body.payload } };
  }

  failure(status: number, reason = USUAL_REASON[status] ?? 'InternalServerError', request: ReceivedRequest): Answer {
    if (reason === 'ExpiredProviderToken' && this.settings.wedgeAfterExpiry) {
      this.authorityOf(request.connection).stuck = reason;
    }
    const timestamp = status === 410 ? Date.now() : undefined;
    return answerOf(request, { status, reason, detail: '', ...(timestamp === undefined ? {} : { timestamp }) });
  }

  private authorityOf(connection: Connection): ConnectionAuthority {
    let authority = this.authorities.get(connection);
    if (!authority) {
      authority = { current: null, stuck: null, badTokens: 0 };
      this.authorities.set(connection, authority);
    }
    return authority;
  }

  private checkRequest(request: ReceivedRequest, token: string, authority: ConnectionAuthority): Refusal | null {
    const { headers, connection } = request;
    if (request.method !== 'POST') return { status: 405, reason: 'MethodNotAllowed', detail: 'POST only' };
    if (request.path === DEVICE_PATH) return bad({ reason: 'MissingDeviceToken', detail: 'the path ends early' });
    if (!/^[0-9a-z]+$/.test(token)) return { status: 404, reason: 'BadPath', detail: 'not /3/device/<token>' };
    const form = findDuplicateHeader(request.rawHeaders) ?? checkMessageId(headers);
    if (form) return bad(form);
    const before = authority.current;
    const { providerTokens, settings } = this;
    const refusal = checkAuthority(authority, headers.authorization, providerTokens, settings, Date.now());
    if (refusal) return refusal;
    // The first valid token opens the connection: real APNs allows one stream until then.
    if (!before) connection.announceStreams(settings.streams);
    const key = authority.current?.key;
    const delivery = key ? checkDeliveryHeaders(headers, key) : null;
    return delivery ? bad(delivery) : null;
  }

  private checkToken(request: ReceivedRequest, token: string): Refusal | null {
    const state = /^[0-9a-f]+$/.test(token) ? this.tokens.find(token) : undefined;
    if (!state) return bad({ reason: 'BadDeviceToken', detail: 'the token is not known here' });
    if (state.topic !== undefined && state.topic !== request.headers['apns-topic']) {
      return bad({ reason: 'DeviceTokenNotForTopic', detail: `the token belongs to ${state.topic}` });
    }
    if (state.reason === undefined) return null;
    const status = STATUS[state.reason] ?? 400;
    const refusal: Refusal = { status, reason: state.reason, detail: 'the token was given this fate' };
    return status === 410 ? { ...refusal, timestamp: state.timestamp ?? Date.now() } : refusal;
  }

  private refuse(
    request: ReceivedRequest,
    refusal: Refusal,
    token: string,
    authority: ConnectionAuthority,
  ): Judgement & { kind: 'refuse' } {
    const { reason, detail } = refusal;
    const judgement = { kind: 'refuse', answer: answerOf(request, refusal), reason, token, detail } as const;
    if (reason !== 'BadDeviceToken') return judgement;
    authority.badTokens += 1;
    if (authority.badTokens !== this.settings.disconnectAfterBadTokens) return judgement;
    return { ...judgement, disconnect: JSON.stringify({ reason }) };
  }
}

function bad(refusal: { reason: string; detail: string }): Refusal {
  return { status: 400, ...refusal };
}

function answerOf(request: ReceivedRequest, refusal: Refusal): Answer {
  const { reason, timestamp } = refusal;
  const given = request.headers['apns-id'];
  return {
    status: refusal.status,
    headers: {
      'apns-id': typeof given === 'string' && reason !== 'BadMessageId' ? given : randomUUID(),
      'content-type': 'application/json',
    },
    body: JSON.stringify(timestamp === undefined ? { reason } : { reason, timestamp }),
  };
}

function readPayload(request: ReceivedRequest): { payload: Fields } | { refusal: Refusal } {
  const empty = (detail: string) => ({ refusal: bad({ reason: 'PayloadEmpty', detail }) });
  if (request.bodyLength === 0) return empty('no body');
  const limit = request.headers['apns-push-type'] === 'voip' ? MAX_VOIP_BYTES : MAX_BYTES;
  if (request.bodyLength > limit) {
    return { refusal: { status: 413, reason: 'PayloadTooLarge', detail: `${request.bodyLength} of ${limit} bytes` } };
  }
  try {
    const payload: unknown = JSON.parse(request.body.toString('utf8'));
    return isFields(payload) ? { payload } : empty('the body is no JSON object');
  } catch {
    return empty('the body is no JSON');
  }
}

/** The message id that the MobileFirst client SDK reads: `nid` inside the JSON string `payload`. */
function readMessageId(payload: Fields): string | undefined {
  const inner = payload['payload'];
  if (typeof inner !== 'string' || !inner.includes('"nid"')) return undefined;
  try {
    const parsed: unknown = JSON.parse(inner);
    return isFields(parsed) && typeof parsed['nid'] === 'string' ? parsed['nid'] : undefined;
  } catch {
    return undefined;
  }
}
