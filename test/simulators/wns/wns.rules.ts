import { bearerOf, ClientCredentials } from '../shared/client-credentials.js';
import type { Answer, Judgement, ProviderRules, ReceivedRequest } from '../shared/provider.js';
import type { TokenSettings } from '../shared/settings.js';
import { TokenRegistry } from '../shared/token-registry.js';
import { readXml, type XmlElement } from './well-formed.js';

const LIVE_PATH = '/accesstoken.srf';
const ENTRA_PATH = /^\/[^/]+\/oauth2\/v2\.0\/token$/;
const MAX_BODY_BYTES = 5000;
const XML_TYPES: ReadonlySet<string> = new Set(['toast', 'tile', 'badge']);
/** Fates of channels named `dead` + digits; the two with 200 are the provider's own values. */
const REASON_BY_NAME: Readonly<Record<string, string>> = {
  '0201': 'dropped',
  '0202': 'channelthrottled',
  '0403': '403',
  '0404': '404',
  '0406': '406',
  '0410': '410',
  '0412': '412',
  '0500': '500',
  '0503': '503',
};

/** An app of the Microsoft Store. */
export interface StorePackage {
  packageSID: string;
  clientSecret: string;
}

/** A Windows App SDK app. */
export interface EntraApp {
  clientId: string;
  clientSecret: string;
}

type Refusal = { status: number; description: string };

/** WNS and the two token endpoints in front of it, all on one port. */
export class WnsRules implements ProviderRules {
  readonly name = 'wns';
  readonly overrunDebug = '';
  readonly tokens = new TokenRegistry(REASON_BY_NAME);
  readonly live: ClientCredentials;
  readonly entra: ClientCredentials;
  private sent = 0;

  constructor(private readonly settings: TokenSettings) {
    this.live = new ClientCredentials(settings, 400);
    this.entra = new ClientCredentials(settings, 401);
  }

  registerPackage({ packageSID, clientSecret }: StorePackage): void {
    this.live.register({ clientId: packageSID, clientSecret, scope: 'notify.windows.com' });
  }

  registerEntra({ clientId, clientSecret }: EntraApp): void {
    this.entra.register({ clientId, clientSecret, scope: 'https://wns.windows.com/.default' });
  }

  reset(): void {
    this.tokens.reset();
    this.live.issued = 0;
    this.entra.issued = 0;
  }

  judge(request: ReceivedRequest): Judgement {
    const { pathname, searchParams } = new URL(request.path, 'https://channel');
    const endpoint = pathname === LIVE_PATH ? this.live : ENTRA_PATH.test(pathname) ? this.entra : null;
    if (endpoint && request.method === 'POST') return endpoint.exchange(request);
    const channel = searchParams.get('token') ?? '';
    const now = Date.now();
    const bearer = bearerOf(request) ?? '';
    const client = this.live.clientOf(bearer, now) ?? this.entra.clientOf(bearer, now);
    const form = checkForm(request, client);
    if ('status' in form) return this.refuse(form.status, form.description, channel);
    const fate = this.fateOf(channel, client ?? '', now);
    if (fate === 'dropped' || fate === 'channelthrottled') {
      return { kind: 'served', answer: this.answer(200, { 'x-wns-status': fate }), reason: fate };
    }
    if (fate !== undefined) return this.refuse(Number(fate), `channel ${fate}`, channel);
    const id = String(++this.sent).padStart(16, '0');
    const { tag, root, body } = form;
    const acceptance = { token: channel, messageId: messageIdOf(root) ?? tag, collapseId: tag, providerId: id, body };
    const status = { 'x-wns-status': 'received', 'x-wns-msg-id': id, 'x-wns-deviceconnectionstatus': 'connected' };
    return { kind: 'accept', answer: this.answer(200, status), acceptance };
  }

  failure(status: number, reason: string | undefined): Answer {
    return this.answer(status, reason === undefined ? {} : { 'x-wns-error-description': reason });
  }

  private fateOf(channel: string, client: string, now: number): string | undefined {
    const state = this.tokens.find(channel);
    if (!state || channel === '') return '404';
    if (state.topic !== undefined && state.topic !== client) return '403';
    if (state.reason !== undefined) return state.reason;
    return this.tokens.overRate(channel, this.settings.perTokenPerMinute, now) ? 'channelthrottled' : undefined;
  }

  private refuse(status: number, description: string, token: string): Judgement {
    const answer = this.answer(status, { 'x-wns-error-description': description, 'x-wns-status': 'dropped' });
    return { kind: 'refuse', answer, reason: String(status), token, detail: description };
  }

  private answer(status: number, headers: Record<string, string>): Answer {
    const { retryAfterSeconds } = this.settings;
    const wait = retryAfterSeconds > 0 && (status === 406 || status === 503);
    const retry: Record<string, string> = wait ? { 'retry-after': String(retryAfterSeconds) } : {};
    return { status, headers: { 'x-wns-debug-trace': 'SIMULATOR', ...headers, ...retry }, body: '' };
  }
}

/** Every check of WNS on a request before the channel. */
function checkForm(
  request: ReceivedRequest,
  client: string | undefined,
): Refusal | { tag: string; root: XmlElement | null; body: string } {
  const { headers, body, bodyLength } = request;
  const bad = (description: string): Refusal => ({ status: 400, description });
  if (request.method !== 'POST') return { status: 405, description: 'method' };
  if (client === undefined) return { status: 401, description: 'access token' };
  if (headers['transfer-encoding'] !== undefined) return bad('chunked transfer encoding is not supported');
  if (headers.expect !== undefined) return bad('Expect is not supported');
  if (headers['content-length'] === undefined) return bad('Content-Length is required');
  const type = /^wns\/(toast|tile|badge|raw)$/.exec(one(headers['x-wns-type']))?.[1];
  if (type === undefined) return bad('X-WNS-Type');
  const wanted = XML_TYPES.has(type) ? 'text/xml' : 'application/octet-stream';
  if (one(headers['content-type']).split(';')[0] !== wanted) return bad('Content-Type');
  const rules: [string, RegExp][] = [
    ['x-wns-ttl', /^\d{1,10}$/],
    ['x-wns-cache-policy', /^(cache|no-cache)$/],
    ['x-wns-tag', /^[A-Za-z0-9]{1,16}$/],
    ['x-wns-requestforstatus', /^(true|false)$/],
    ['x-wns-priority', /^[1-4]$/],
  ];
  const wrong = rules.find(([name, rule]) => headers[name] !== undefined && !rule.test(one(headers[name])));
  if (wrong) return bad(wrong[0]);
  if (bodyLength > MAX_BODY_BYTES) return { status: 413, description: 'payload' };
  if (bodyLength === 0) return bad('no payload');
  const root = XML_TYPES.has(type) ? readXml(body) : null;
  if (XML_TYPES.has(type) && root?.name !== type) return bad('payload is no well-formed notification of its type');
  return { tag: one(headers['x-wns-tag']), root, body: body.toString('utf8') };
}

/** The sender's own id, which is part of the toast's launch text. */
function messageIdOf(root: XmlElement | null): string | undefined {
  try {
    const launch = JSON.parse(root?.attributes['launch'] ?? '') as { nid?: unknown } | null;
    return typeof launch?.nid === 'string' ? launch.nid : undefined;
  } catch {
    return undefined;
  }
}

function one(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}
