import { createHmac, timingSafeEqual } from 'node:crypto';
import { MINUTE_MS } from '../../common/durations.js';
import { destinationOf } from './destination.js';

/**
 * Pure rules of a sign-in that is under way. All sign-ins of a browser share one secret, which its cookie keeps; state,
 * nonce and the verifier of PKCE (RFC 7636) follow from it. So any number of tabs sign in at once, any process reads
 * the answer, nothing is stored, and a state of another browser has no meaning here. The code in the answer is good for
 * one use: the identity provider sees to it.
 */

/** From the first step to the answer. */
const FLOW_MS = 30 * MINUTE_MS;
/** Longer than the flow: a sign-in that begins late uses the secret of an earlier one. */
export const SECRET_S = (2 * FLOW_MS) / 1_000;

export interface Flow {
  state: string;
  nonce: string;
  verifier: string;
}

interface Kept {
  /** Where the sign-in leads to. */
  to: string;
  /** Epoch milliseconds. */
  at: number;
  /** Makes each state another one. */
  id: string;
}

export function beginFlow(secret: string, to: string, at: number, id: string): Flow {
  const kept: Kept = { to, at, id };
  const text = Buffer.from(JSON.stringify(kept)).toString('base64url');
  return flowOf(secret, `${text}.${derive(secret, 'state', text)}`);
}

/** Null: the state was made for another browser, or too long ago. */
export function resumeFlow(secret: string | undefined, state: string, now: number): (Flow & { to: string }) | null {
  const [text = '', mark = ''] = state.split('.');
  const kept = readKept(text);
  if (secret === undefined || !kept || !isSame(mark, derive(secret, 'state', text))) return null;
  if (now - kept.at > FLOW_MS) return null;
  return { ...flowOf(secret, state), to: kept.to };
}

/** Where a state leads to, even if it is not good any more: a page of the console in any case. */
export function destinationOfState(state: string): string {
  return destinationOf(readKept(state.split('.')[0] ?? '')?.to);
}

function flowOf(secret: string, state: string): Flow {
  return { state, nonce: derive(secret, 'nonce', state), verifier: derive(secret, 'verifier', state) };
}

function derive(secret: string, what: string, text: string): string {
  return createHmac('sha256', secret).update(`${what}\0${text}`).digest('base64url');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function readKept(text: string): Kept | null {
  try {
    const kept = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Kept> | null;
    const isWhole = typeof kept?.to === 'string' && typeof kept.at === 'number' && typeof kept.id === 'string';
    return isWhole ? (kept as Kept) : null;
  } catch {
    return null;
  }
}
