import type { AnswerHead, PushResult } from '../../http2/push.js';
import type { HttpResult } from './http1-client.js';

/**
 * What stands before a push service (a load balancer, a proxy, a firewall, a login page) answers in the service's place
 * when it has trouble. Nothing it says is about a device, a credential or a message: it passes, and is tried again.
 */

/** Of a success whose body says nothing that the provider would say. */
export const UNREADABLE = 'unreadable answer';

type Answered = Extract<PushResult, { kind: 'answered' }>;

/** Request not completed, misdirected, too early: the server did not act (RFC 9110 §15.5.9, §15.5.20; RFC 8470 §5.2). */
const NOT_ACTED_ON: ReadonlySet<number> = new Set([408, 421, 425]);

/** Statuses that say the same whoever gives them: a redirect leads to a page, and 5xx is trouble behind. */
export function isPassing(status: number): boolean {
  return status >= 500 || NOT_ACTED_ON.has(status) || (status >= 300 && status < 400);
}

/** HTML, which no push service speaks to a sender: its own few texts are looked for first. */
export function isPage({ headers, body }: { headers: AnswerHead['headers']; body: Uint8Array }): boolean {
  if (/\bhtml\b/i.test(headers['content-type'] ?? '')) return true;
  return /^\s*<(!doctype|html|head|body)\b/i.test(Buffer.from(body.subarray(0, 256)).toString('latin1'));
}

/**
 * An answer whose status line came and whose body did not end. A failure is settled by its status; a success is for the
 * provider to judge by its head. Undefined where no status line came.
 */
export function cutAnswer(result: PushResult | HttpResult): Answered | undefined {
  if (result.kind !== 'ambiguous' || result.head === undefined) return undefined;
  const { status, headers } = result.head;
  return { kind: 'answered', status, headers, body: Buffer.alloc(0), connection: 0 };
}
