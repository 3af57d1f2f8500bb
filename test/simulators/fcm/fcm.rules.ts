import type { Answer, Judgement, ProviderRules, ReceivedRequest } from '../shared/provider.js';
import type { FcmSettings } from '../shared/settings.js';
import { isFields, type Fields } from '../shared/shape.js';
import { TokenRegistry } from '../shared/token-registry.js';
import {
  fcmError,
  formError,
  googleError,
  htmlError,
  invalidArgument,
  quotaExceeded,
  typed,
  type QuotaScope,
} from './google-error.js';
import { checkSendRequest, type SendTarget } from './message-check.js';
import { OAuthEndpoint } from './oauth.js';

const SEND_PATH = /^\/v1\/projects\/([^/]+)\/messages:send$/;
const MINUTE_MS = 60_000;

const CODE: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  UNREGISTERED: 404,
  SENDER_ID_MISMATCH: 403,
  QUOTA_EXCEEDED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  THIRD_PARTY_AUTH_ERROR: 401,
};
/** Fates of tokens named `dead` + digits. */
const REASON_BY_NAME: Readonly<Record<string, string>> = {
  '0400': 'INVALID_ARGUMENT',
  '0401': 'THIRD_PARTY_AUTH_ERROR',
  '0403': 'SENDER_ID_MISMATCH',
  '0404': 'UNREGISTERED',
  '0429': 'QUOTA_EXCEEDED',
  '0500': 'INTERNAL',
  '0503': 'UNAVAILABLE',
};
const USUAL_REASON: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  404: 'UNREGISTERED',
  429: 'QUOTA_EXCEEDED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

/** FCM v1 and the token endpoint in front of it. */
export class FcmRules implements ProviderRules {
  readonly name = 'fcm';
  readonly overrunDebug = 'exceeded_max_concurrent_streams';
  readonly tokens = new TokenRegistry(REASON_BY_NAME);
  readonly oauth: OAuthEndpoint;
  private readonly buckets = new Map<string, { startedAt: number; count: number }>();
  private sent = 0;

  constructor(private readonly settings: FcmSettings) {
    this.oauth = new OAuthEndpoint(settings);
  }

  reset(): void {
    this.tokens.reset();
    this.oauth.issued = 0;
    this.buckets.clear();
  }

  judge(request: ReceivedRequest): Judgement {
    if (request.path === '/token' && request.method === 'POST') return this.oauth.exchange(request);
    const [, project] = SEND_PATH.exec(request.path) ?? [];
    if (project === undefined || request.method !== 'POST') return refuse(htmlError(404, 'Not Found'), 'wrong URL', '');
    const now = Date.now();
    const barred = this.checkAccess(request, project, now);
    if (barred) return barred;
    let body: unknown;
    try {
      body = JSON.parse(request.body.toString('utf8'));
    } catch {
      const description = 'Invalid JSON payload received. Unexpected token.';
      return refuse(formError(description, { field: '', description }), 'INVALID_ARGUMENT', '', description);
    }
    const checked = checkSendRequest(body, request.bodyLength);
    if ('refusal' in checked) return refuse(checked.refusal, 'INVALID_ARGUMENT', '', checked.refusal.body);
    const { message, target } = checked;
    const fate = target.kind === 'token' || target.kind === 'fid' ? this.checkToken(target, now) : null;
    if (fate) return refuse(fate.answer, fate.reason, target.value);
    const answerFor = (name: string): Answer => {
      const headers = { 'content-type': 'application/json; charset=UTF-8' };
      return { status: 200, headers, body: JSON.stringify({ name }) };
    };
    if (checked.request['validate_only'] === true) {
      return { kind: 'served', answer: answerFor(`projects/${project}/messages/fake_message_id`), reason: 'dry run' };
    }
    const providerId = `projects/${project}/messages/0:${now}${String(++this.sent).padStart(6, '0')}`;
    const collapseId = readCollapseKey(message);
    const messageId = readMessageId(message) ?? collapseId;
    const acceptance = { token: target.value, messageId, collapseId, providerId, body };
    return { kind: 'accept', answer: answerFor(providerId), acceptance };
  }

  failure(status: number, reason: string | undefined, request: ReceivedRequest): Answer {
    const [word, scope] = (reason ?? USUAL_REASON[status] ?? '').split(':');
    if (!word) return htmlError(status, 'Server Error');
    if (word === 'QUOTA_EXCEEDED') {
      const [, project = ''] = SEND_PATH.exec(request.path) ?? [];
      return quotaExceeded(project, (scope ?? 'project') as QuotaScope, this.settings.retryAfterSeconds);
    }
    return fcmError(status, word);
  }

  private checkAccess(request: ReceivedRequest, project: string, now: number): Judgement | null {
    const [, bearer] = /^bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const account = bearer === undefined ? undefined : this.oauth.accountOf(bearer, now);
    if (!account) {
      const message =
        bearer === undefined
          ? 'Request is missing required authentication credential. Expected OAuth 2 access token.'
          : 'Request had invalid authentication credentials. Expected OAuth 2 access token.';
      const reason = bearer === undefined ? 'CREDENTIALS_MISSING' : 'ACCESS_TOKEN_EXPIRED';
      const info = typed('google.rpc.ErrorInfo', { reason, domain: 'googleapis.com' });
      return refuse(googleError(401, message, [info]), 'UNAUTHENTICATED', '', message);
    }
    if (!this.oauth.hasProject(project)) {
      return refuse(googleError(404, `Project ${project} was not found.`), 'NOT_FOUND', '');
    }
    if (account.projectId !== project) {
      const message = `Permission 'cloudmessaging.messages.create' denied on resource '//cloudresourcemanager.googleapis.com/projects/${project}' (or it may not exist).`;
      const metadata = { permission: 'cloudmessaging.messages.create', resource: `projects/${project}` };
      const info = typed('google.rpc.ErrorInfo', {
        reason: 'IAM_PERMISSION_DENIED',
        domain: 'cloudresourcemanager.googleapis.com',
        metadata,
      });
      return refuse(googleError(403, message, [info]), 'PERMISSION_DENIED', '', message);
    }
    return this.overQuota(project, now) ? this.quotaRefusal(project, 'project', '') : null;
  }

  /**
   * Windows of a minute begin with their first message; by Google's documentation every request counts, refused ones
   * too.
   */
  private overQuota(project: string, now: number): boolean {
    const { quotaPerMinute } = this.settings;
    if (quotaPerMinute === 0) return false;
    const bucket = this.buckets.get(project);
    if (!bucket || now - bucket.startedAt >= MINUTE_MS) {
      this.buckets.set(project, { startedAt: now, count: 1 });
      return false;
    }
    if (bucket.count >= quotaPerMinute) return true;
    bucket.count += 1;
    return false;
  }

  private quotaRefusal(subject: string, scope: QuotaScope, token: string): Judgement & { kind: 'refuse' } {
    return refuse(quotaExceeded(subject, scope, this.settings.retryAfterSeconds), 'QUOTA_EXCEEDED', token);
  }

  private checkToken(target: SendTarget, now: number): { answer: Answer; reason: string } | null {
    const field = `message.${target.kind}`;
    const description = 'The registration token is not a valid FCM registration token';
    const malformed = { answer: invalidArgument(description, { field, description }), reason: 'INVALID_ARGUMENT' };
    if (!/^[\w:.%-]+$/.test(target.value)) return malformed;
    const state = this.tokens.find(target.value);
    if (!state || state.reason === 'INVALID_ARGUMENT') return malformed;
    if (state.reason === 'QUOTA_EXCEEDED' || this.tokens.overRate(target.value, this.settings.perTokenPerMinute, now)) {
      return this.quotaRefusal(target.value, 'device', target.value);
    }
    if (state.reason === undefined) return null;
    return { answer: fcmError(CODE[state.reason] ?? 400, state.reason), reason: state.reason };
  }
}

function refuse(answer: Answer, reason: string, token: string, detail?: string): Judgement & { kind: 'refuse' } {
  return { kind: 'refuse', answer, reason, token, ...(detail === undefined ? {} : { detail }) };
}

function readCollapseKey(message: Fields): string {
  const android = message['android'];
  const key = isFields(android) ? (android['collapse_key'] ?? android['collapseKey']) : undefined;
  return typeof key === 'string' ? key : '';
}

function readMessageId(message: Fields): string | undefined {
  const data = message['data'];
  return isFields(data) && typeof data['nid'] === 'string' ? data['nid'] : undefined;
}
