import { createHash, randomBytes } from 'node:crypto';
import type { PersonColumn } from '../../database/auth-tables.js';
import { MINUTE_MS, HOUR_MS } from '../../common/durations.js';

/** Pure rules of the console's sessions. */

export type Person = PersonColumn;

/** A session without a request for this long is over. */
export const IDLE_MS = 30 * MINUTE_MS;
/** The longest session of a client, whose rights are checked with each request. */
export const CLIENT_SESSION_MS = 12 * HOUR_MS;
/**
 * The longest session of a person: the identity provider tells of a withdrawn role only at the next sign-in
 * (docs/console.md).
 */
export const PERSON_SESSION_MS = HOUR_MS;
/** A request writes the time of its session at most this often. */
export const TOUCH_MS = 15_000;

/** A row of `console_session`. Times in epoch milliseconds. */
export interface Session {
  hash: string;
  /** Of a person: `person:` and the subject, which is no client id. */
  clientId: string;
  /** Null for a person. */
  generation: number | null;
  person: Person | null;
  /** Scopes; one of them has to cover a call whole. */
  grants: readonly (readonly string[])[];
  seenAt: number;
  endsAt: number;
}

/** 256 bits, for a cookie or a ticket. */
export function newId(): string {
  return randomBytes(32).toString('base64url');
}

/** The form of `newId`: no other text is looked up. */
const ID = /^[A-Za-z0-9_-]{43}$/;

/** The name of the row; null for a text that is no id. */
export function hashOf(id: string): string | null {
  return ID.test(id) ? createHash('sha256').update(id).digest('base64url') : null;
}

export function idleEndOf({ seenAt, endsAt }: Pick<Session, 'seenAt' | 'endsAt'>): number {
  return Math.min(seenAt + IDLE_MS, endsAt);
}

/** How a person is named in place of a client: no client id contains a colon. */
export function callerIdOf({ subject }: Pick<Person, 'subject'>): string {
  return `person:${subject}`;
}
