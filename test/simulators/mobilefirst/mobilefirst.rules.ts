import { randomInt } from 'node:crypto';
import { bearerOf, json } from '../shared/client-credentials.js';
import type { Answer, Judgement, ProviderRules, ReceivedRequest } from '../shared/provider.js';
import type { TokenSettings } from '../shared/settings.js';
import { isFields, type Fields } from '../shared/shape.js';
import { TokenRegistry } from '../shared/token-registry.js';
import { ConfidentialClients, covers } from './confidential-clients.js';

const TOKEN_PATH = '/mfp/api/az/v1/token';
const MESSAGES_PATH = /^\/imfpush\/v1\/apps\/([^/?]+)\/messages$/;
const KNOWN_FIELDS: ReadonlySet<string> = new Set(['message', 'target', 'settings', 'notificationType', 'validate']);
const LISTS = ['deviceIds', 'userIds', 'tagNames'];
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
/** Fates of applications named `dead` + digits. */
const CODE_BY_NAME: Readonly<Record<string, string>> = { '0404': 'FPWSE0001E', '0409': 'FPWSE1007E' };
/** Documented code → status of the simulator (docs/protocol/mobilefirst.md §9.6). */
const STATUS_BY_CODE: Readonly<Record<string, number>> = { FPWSE0001E: 404, FPWSE1007E: 409 };
const CODE_BY_STATUS: Readonly<Record<number, string>> = { 400: 'FPWSE0005E', 404: 'FPWSE0001E', 503: 'FPWSE0025E' };

/**
 * A MobileFirst server: the token endpoint of its runtime `mfp` and `POST messages` of its push service. In the ledger
 * an application has the place of the token and the alert that of the message, so a repeat is the same alert for the
 * same application.
 */
export class MobilefirstRules implements ProviderRules {
  readonly name = 'mobilefirst';
  readonly overrunDebug = '';
  /** The applications. */
  readonly tokens = new TokenRegistry(CODE_BY_NAME);
  readonly clients: ConfidentialClients;

  constructor(private readonly settings: TokenSettings) {
    this.clients = new ConfidentialClients(settings);
  }

  reset(): void {
    this.tokens.reset();
    this.clients.issued = 0;
  }

  judge(request: ReceivedRequest): Judgement {
    const [path = ''] = request.path.split('?');
    const applicationId = decodeURIComponent(MESSAGES_PATH.exec(path)?.[1] ?? '');
    if (request.method === 'POST' && path === TOKEN_PATH) return this.clients.exchange(request);
    if (applicationId === '') return refuse(page(404), 'no such context', '');
    if (request.method !== 'POST') return refuse(failure(405, 'FPWSE0010E', 'method'), 'method', applicationId);
    const scope = this.clients.scopeOf(bearerOf(request) ?? '', Date.now());
    const wanted = wantedScope(applicationId);
    if (scope === undefined) return refuse(unauthorized(request), '401', applicationId);
    if (!wanted.every((element) => covers(scope, element))) {
      return refuse(forbidden(applicationId), '403', applicationId);
    }
    const state = this.tokens.find(applicationId);
    const fate = state === undefined ? 'FPWSE0001E' : state.reason;
    if (fate !== undefined) {
      return refuse(failure(STATUS_BY_CODE[fate] ?? 400, fate, `the application ${fate}`), fate, applicationId);
    }
    const body = parse(request.body);
    const wrong = body === null ? (['FPWSE0004E', 'invalid JSON'] as const) : findWrong(body);
    if (body === null || wrong) {
      const [code, what] = wrong ?? ['FPWSE0004E', ''];
      return refuse(failure(400, code, what), code, applicationId, what);
    }
    const messageId = newId();
    const acceptance = {
      token: applicationId,
      messageId: String((body['message'] as Fields)['alert']),
      collapseId: '',
      providerId: messageId,
      body,
    };
    return { kind: 'accept', answer: json(202, { message: body, messageId }), acceptance };
  }

  failure(status: number, reason: string | undefined, request: ReceivedRequest): Answer {
    if (request.path.startsWith(TOKEN_PATH)) {
      return this.withWait(reason === undefined ? page(status) : json(status, { error: reason }));
    }
    const applicationId = decodeURIComponent(MESSAGES_PATH.exec(request.path)?.[1] ?? '');
    if (status === 401) return unauthorized(request);
    if (status === 403) return forbidden(applicationId);
    const code = reason ?? CODE_BY_STATUS[status];
    return this.withWait(code === undefined ? page(status) : failure(status, code, 'as the fault rule says'));
  }

  private withWait(answer: Answer): Answer {
    const { retryAfterSeconds } = this.settings;
    if (retryAfterSeconds === 0 || ![429, 503].includes(answer.status)) return answer;
    return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfterSeconds) } };
  }
}

/** MobileFirst's error for a body; undefined for a valid body. */
function findWrong(body: Fields): readonly [code: string, what: string] | undefined {
  const unknown = Object.keys(body).find((name) => !KNOWN_FIELDS.has(name));
  if (unknown !== undefined) return ['FPWSE0006E', unknown];
  const { message, target } = body;
  if (!isFields(message) || typeof message['alert'] !== 'string') return ['FPWSE0005E', 'message.alert'];
  if (target === undefined) return undefined;
  const given = isFields(target) ? LISTS.filter((list) => list in target) : [];
  if (!isFields(target) || given.length > 1 || Object.keys(target).length === 0) return ['FPWSE0005E', 'target'];
  const isWrong = given.some((list) => !Array.isArray(target[list]) || (target[list] as unknown[]).length === 0);
  return isWrong ? ['FPWSE0005E', `target.${given.join()}`] : undefined;
}

function wantedScope(applicationId: string): string[] {
  return ['messages.write', `push.application.${applicationId}`];
}

/** docs/protocol/mobilefirst.md §7: no header, an invalid header, an insufficient scope. */
function unauthorized(request: ReceivedRequest): Answer {
  const header = request.headers.authorization === undefined ? 'Bearer' : 'Bearer error="invalid_token"';
  return { status: 401, headers: { 'www-authenticate': header }, body: 'Unauthorized' };
}

function forbidden(applicationId: string): Answer {
  const scope = ['RegisteredClient', ...wantedScope(applicationId)].join(' ');
  const header = `Bearer error="insufficient_scope", scope="${scope}"`;
  return { status: 403, headers: { 'www-authenticate': header }, body: 'Forbidden' };
}

function failure(status: number, code: string, message: string): Answer {
  return json(status, { code, message });
}

/** The answer of the application server in front if the server behind is unknown or unreachable. */
function page(status: number): Answer {
  return { status, headers: { 'content-type': 'text/html' }, body: `<html><body>Error ${status}</body></html>` };
}

function refuse(answer: Answer, reason: string, token: string, detail?: string): Judgement {
  return { kind: 'refuse', answer, reason, token, ...(detail === undefined ? {} : { detail }) };
}

function parse(body: Buffer): Fields | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

/** Eight letters and digits, like `fnDWK8bG`. */
function newId(): string {
  return Array.from({ length: 8 }, () => ID_LETTERS[randomInt(ID_LETTERS.length)]).join('');
}
