import { invalidValue } from '../common/errors.js';
import type { AdminRole } from './roles.js';
import { covers, parseScope } from './scope.js';

/** Confidential clients and their rules, pure. */

/** The role that may do everything in administration: the registry has no second kind of user. */
export const ADMINISTRATION: AdminRole = 'mfpadmin';

export interface ClientSecret {
  id: number;
  hash: string;
  createdAt: Date;
  /** Null: until it is replaced. */
  expiresAt: Date | null;
  lastUsedAt: Date | null;
}

/** How much a client may ask for; null: what the settings say. */
export interface ClientLimits {
  requestsPerSecond: number | null;
  concurrentRequests: number | null;
}

export const NO_LIMITS: ClientLimits = { requestsPerSecond: null, concurrentRequests: null };

export interface Client extends ClientLimits {
  id: string;
  displayName: string;
  allowedScope: string;
  enabled: boolean;
  /** A token holds only for the generation it was issued under. */
  generation: number;
  createdAt: Date;
  lastUsedAt: Date | null;
  /** Newest first; two at most. */
  secrets: ClientSecret[];
}

/** Printable ASCII without colon, where Basic authentication ends the id; not `.` or `..`, which an address loses. */
const ID = /^(?!\.{1,2}$)[\x21-\x39\x3b-\x7e]([\x20-\x39\x3b-\x7e]{0,253}[\x21-\x39\x3b-\x7e])?$/;
const SECRET = /^[\x20-\x7e]{1,255}$/;

export function isClientId(text: string): boolean {
  return ID.test(text);
}

/** Of a list's filter. Throws FPWSE0005E for what no client can be called. */
export function readClientId(text: string | undefined): string | undefined {
  if (text !== undefined && !isClientId(text))
    throw invalidValue('clientId', 'it must be the id of a client: printable ASCII without a colon');
  return text;
}

export function isSecret(text: string): boolean {
  return SECRET.test(text);
}

/** The secrets that hold at this time, newest first. */
export function liveSecrets(client: Client, now: number): ClientSecret[] {
  return client.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now);
}

export function mayAdminister(client: Pick<Client, 'enabled' | 'allowedScope'>): boolean {
  return client.enabled && covers(parseScope(client.allowedScope) ?? [], [ADMINISTRATION]);
}
