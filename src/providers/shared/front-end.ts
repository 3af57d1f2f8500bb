import type { AnswerHead, PushResult } from '../../http2/push.js';
import type { HttpResult } from './http1-client.js';

/**
 * A front end (load balancer, proxy, firewall, login page) answers in place of a push service when the service is in
 * trouble. Its answer says nothing about a device, a credential or a message, so it is retried.
 */

/** Reason of a success whose body is not the provider's. */
export const UNREADABLE = 'unreadable answer';

type Answered = Extract<PushResult, { kind: 'answered' }>;

/** Request timeout, misdirected, too early: the server did not act (RFC 9110 §15.5.9, §15.5.20; RFC 8470 §5.2). */
const NOT_ACTED_ON: ReadonlySet<number> = new Set([408, 421, 425]);

/** Statuses that are transient from any server: redirects, 5xx, and requests that the server did not act on. */
export function isPassing(status: number): boolean {
  return status >= 500 || NOT_ACTED_ON.has(status) || (status >= 300 && status < 400);
}

/** True for HTML, which no push service sends to a sender. The few texts of services are checked before. */
export function isPage({ headers, body }: { headers: AnswerHead['headers']; body: Uint8Array }): boolean {
  if (/\bhtml\b/i.test(headers['content-type'] ?? '')) return true;
  return /^\s*<(!doctype|html|head|body)\b/i.test(Buffer.from(body.subarray(0, 256)).toString('latin1'));
}

/**
 * An answer with a status line and a body that did not end. The status settles a failure; the provider judges a success
 * by its headers. Undefined without a status line.
 */
export function cutAnswer(result: PushResult | HttpResult): Answered | undefined {
  if (result.kind !== 'ambiguous' || result.head === undefined) return undefined;
  const { status, headers } = result.head;
  return { kind: 'answered', status, headers, body: Buffer.alloc(0), connection: 0 };
}
