import { invalidValue } from '../common/errors.js';
import type { ClientKeys } from './client-keys.js';
import type { AdminRole } from './roles.js';
import { covers, parseScope } from './scope.js';

/** Pure rules of confidential clients. */

/** The role with all rights of administration. */
export const ADMINISTRATION: AdminRole = 'mfpadmin';

export interface ClientSecret {
  id: number;
  hash: string;
  createdAt: Date;
  /** Null: valid until replaced. */
  expiresAt: Date | null;
  lastUsedAt: Date | null;
}

/** A client's request limits; null: the settings apply. */
export interface ClientLimits {
  requestsPerSecond: number | null;
  concurrentRequests: number | null;
}

export const NO_LIMITS: ClientLimits = { requestsPerSecond: null, concurrentRequests: null };

export interface Client extends ClientLimits, ClientKeys {
  id: string;
  displayName: string;
  allowedScope: string;
  enabled: boolean;
  /** Gets tokens over a certificate only, and they are bound to it. */
  certificateBound: boolean;
  /** A token is valid only for the generation in which it was issued. */
  generation: number;
  createdAt: Date;
  lastUsedAt: Date | null;
  /** Newest first; at most two, none for a client that was made with keys. */
  secrets: ClientSecret[];
}

/**
 * Printable ASCII without a colon, which ends the id in Basic authentication; not `.` or `..`, which are resolved in a
 * URL path.
 */
export const CLIENT_ID = /^(?!\.{1,2}$)[\x21-\x39\x3b-\x7e]([\x20-\x39\x3b-\x7e]{0,253}[\x21-\x39\x3b-\x7e])?$/;
export const SECRET = /^[\x20-\x7e]{1,255}$/;

export function isClientId(text: string): boolean {
  return CLIENT_ID.test(text);
}

/** A person of the console, in place of a client: `person:` and the subject of the identity provider. */
const PERSON_ID = /^person:[\x20-\x7e]{1,255}$/;

/** Reads the client id of a list's filter. Throws FPWSE0005E if it can be neither of a client nor of a person. */
export function readClientId(text: string | undefined): string | undefined {
  if (text !== undefined && !isClientId(text) && !PERSON_ID.test(text))
    throw invalidValue('clientId', 'it must be the id of a client: printable ASCII without a colon');
  return text;
}

export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** The secrets that are valid at this time, newest first. */
export function liveSecrets(client: Client, now: number): ClientSecret[] {
  return client.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now);
}

export function mayAdminister(client: Pick<Client, 'enabled' | 'allowedScope'>): boolean {
  return client.enabled && covers(parseScope(client.allowedScope) ?? [], [ADMINISTRATION]);
}
