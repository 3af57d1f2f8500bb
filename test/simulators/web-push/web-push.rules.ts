import { randomBytes } from 'node:crypto';
import type { Answer, Judgement, ProviderRules, ReceivedRequest } from '../shared/provider.js';
import type { WebPushSettings } from '../shared/settings.js';
import { isFields } from '../shared/shape.js';
import { TokenRegistry } from '../shared/token-registry.js';
import { faultAnswer, statusAnswer, type Fault } from './personality.js';
import { decrypt, personalityOf, Subscriptions, type Subscription } from './subscriptions.js';
import { VapidCheck } from './vapid-check.js';

const MAX_BYTES = 4096;
const LONGEST_TTL_S = 30 * 86_400;

interface Wrong {
  fault: Fault;
  detail: string;
}

/** The four push services at one port: the form of the endpoint determines the service. */
export class WebPushRules implements ProviderRules {
  readonly name = 'web-push';
  readonly overrunDebug = 'max_concurrent_streams exceeded';
  /** Fates of endpoints; the subscriptions determine whether an endpoint is known. */
  readonly tokens = new TokenRegistry({});
  readonly subscriptions = new Subscriptions();
  readonly vapid = new VapidCheck();

  constructor(private readonly settings: WebPushSettings) {}

  reset(): void {
    this.tokens.reset();
    this.vapid.reset();
    this.subscriptions.clear();
  }

  judge(request: ReceivedRequest): Judgement {
    const subscription = this.subscriptions.find(request.path);
    const wrong = this.checkRequest(request, subscription);
    if (wrong) return this.refuse(request, wrong, subscription?.endpoint ?? '');
    const known = subscription as Subscription;
    const plaintext = decrypt(known, request.body);
    if (!plaintext) return this.refuse(request, { fault: 'badCrypto', detail: 'cannot be decrypted' }, known.endpoint);
    const topic = String(request.headers['topic'] ?? '');
    const body = readJson(plaintext);
    const messageId = isFields(body) && typeof body['nid'] === 'string' ? body['nid'] : topic;
    const providerId = `${this.subscriptions.origin}/m/${randomBytes(12).toString('base64url')}`;
    const acceptance = { token: known.endpoint, messageId, collapseId: topic, providerId, body };
    return { kind: 'accept', answer: this.accepted(request, known, providerId), acceptance };
  }

  failure(status: number, reason: string | undefined, request: ReceivedRequest): Answer {
    return statusAnswer(personalityOf(request.path), status, reason, this.settings.retryAfterSeconds);
  }

  private accepted(request: ReceivedRequest, { personality }: Subscription, location: string): Answer {
    const granted = Math.min(Number(request.headers['ttl']), LONGEST_TTL_S);
    const windows = { 'x-wns-status': 'received', 'x-wns-notificationstatus': 'received' };
    const headers = { location, ttl: String(granted), ...(personality === 'wns' ? windows : {}) };
    return { status: 201, headers, body: '' };
  }

  private refuse(request: ReceivedRequest, { fault, detail }: Wrong, token: string): Judgement {
    const answer = faultAnswer(personalityOf(request.path), fault, this.settings.retryAfterSeconds);
    return { kind: 'refuse', answer, reason: fault, token, detail };
  }

  private checkRequest(request: ReceivedRequest, subscription: Subscription | undefined): Wrong | null {
    if (request.method !== 'POST') return { fault: 'method', detail: 'POST only' };
    if (!subscription) return { fault: 'unknown', detail: 'no such subscription' };
    const fate = this.tokens.find(subscription.endpoint);
    if (fate?.reason !== undefined) return { fault: 'gone', detail: 'the subscription was given this fate' };
    return this.checkAccess(request, subscription) ?? this.checkHeaders(request, subscription);
  }

  private checkAccess({ headers }: ReceivedRequest, { vapidPublicKey }: Subscription): Wrong | null {
    const { authorization } = headers;
    const checked = this.vapid.check(authorization, this.subscriptions.origin, Date.now());
    if ('detail' in checked) return { fault: authorization === undefined ? 'noVapid' : 'badVapid', ...checked };
    if (vapidPublicKey === undefined || vapidPublicKey === checked.publicKey) return null;
    return { fault: 'keyMismatch', detail: 'subscribed under another key' };
  }

  private checkHeaders(
    { headers, bodyLength }: ReceivedRequest,
    { personality, endpoint }: Subscription,
  ): Wrong | null {
    const { ttl, urgency, topic } = headers;
    if (typeof ttl !== 'string' || !/^\d+$/.test(ttl)) return { fault: 'badTtl', detail: 'whole seconds are required' };
    if (personality === 'wns' && ttl === '0' && headers['x-wns-cache-policy'] !== 'no-cache') {
      return { fault: 'ttlConflict', detail: 'TTL 0 without X-WNS-Cache-Policy: no-cache' };
    }
    if (urgency !== undefined && !/^(very-low|low|normal|high)$/.test(String(urgency))) {
      return { fault: 'badUrgency', detail: String(urgency) };
    }
    if (topic !== undefined && !isTopic(String(topic), personality === 'apple')) {
      return { fault: 'badTopic', detail: String(topic) };
    }
    if (headers['content-encoding'] !== 'aes128gcm') return { fault: 'badEncoding', detail: 'aes128gcm only' };
    if (bodyLength > MAX_BYTES) return { fault: 'tooLarge', detail: `${bodyLength} bytes` };
    if (this.tokens.overRate(endpoint, this.settings.perTokenPerMinute, Date.now())) {
      return { fault: 'throttled', detail: 'more than this subscription may get in a minute' };
    }
    return null;
  }
}

/** RFC 8030 §5.4; Apple also decodes the topic, and no base64 has a length of 4n + 1. */
function isTopic(topic: string, decodable: boolean): boolean {
  return /^[\w-]{1,32}$/.test(topic) && (!decodable || topic.length % 4 !== 1);
}

function readJson(plaintext: Buffer): unknown {
  const text = plaintext.toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
