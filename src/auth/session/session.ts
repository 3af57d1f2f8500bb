import { createHash, randomBytes } from 'node:crypto';
import type { PersonColumn } from '../../database/auth-tables.js';
import { MINUTE_MS, HOUR_MS } from '../../common/durations.js';
import { Vault } from '../../common/vault.js';

/** Pure rules of the console's sessions. */

export type Person = PersonColumn;

/** A session without a request for this long is over. */
export const IDLE_MS = 30 * MINUTE_MS;
/** The longest session of a client, whose rights are checked with each request. */
export const CLIENT_SESSION_MS = 12 * HOUR_MS;
/** The longest session of a person: some identity providers tell of a withdrawn role only at the next sign-in. */
export const PERSON_SESSION_MS = HOUR_MS;
/** The identity provider is asked about a person whose session is used, after this time (docs/console.md). */
export const CHECK_MS = 2 * MINUTE_MS;
/** A request writes the time of its session at most this often. */
export const TOUCH_MS = 15_000;

/** Scopes; one of them has to cover a call whole. */
export type Grants = readonly (readonly string[])[];

/** News of a person from the identity provider. */
export interface PersonNews {
  grants: Grants;
  /** With which the provider is asked again. */
  credentials: string;
}

/** Asks the identity provider again. Null: the person has no rights any more. */
export type PersonCheck = (person: Person, before: PersonNews) => Promise<PersonNews | null>;

/** A row of `console_session`. Times in epoch milliseconds. */
export interface Session {
  hash: string;
  /** Of a person: `person:` and the subject, which is no client id. */
  clientId: string;
  /** Null for a person. */
  generation: number | null;
  person: Person | null;
  grants: Grants;
  /** Of a person: sealed by `vaultOf` the cookie. */
  credentials: string | null;
  seenAt: number;
  checkedAt: number;
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

/** Seals the credentials of a session under the cookie's value, which is not in the database. */
export function vaultOf(id: string): Vault {
  return new Vault(createHash('sha256').update(`credentials\0${id}`).digest());
}

export function idleEndOf({ seenAt, endsAt }: Pick<Session, 'seenAt' | 'endsAt'>): number {
  return Math.min(seenAt + IDLE_MS, endsAt);
}

/** How a person is named in place of a client: no client id contains a colon. */
export function callerIdOf({ subject }: Pick<Person, 'subject'>): string {
  return `person:${subject}`;
}
