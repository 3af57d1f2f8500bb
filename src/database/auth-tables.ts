import type { GeneratedAlways, Generated } from 'kysely';
import type { CreatedAt, Json } from './columns.js';

/** The tables of the authorization server. */
export interface AuthTables {
  client: ClientTable;
  client_secret: ClientSecretTable;
  signing_key: SigningKeyTable;
  revoked_token: RevokedTokenTable;
  used_assertion: UsedAssertionTable;
  used_device_token: UsedDeviceTokenTable;
  auth_change: AuthChangeTable;
  audit_chain: AuditChainTable;
  audit_event: AuditEventTable;
  audit_outbox: AuditOutboxTable;
  console_session: ConsoleSessionTable;
  console_ticket: ConsoleTicketTable;
  installation: InstallationTable;
}

interface ClientTable {
  id: string;
  display_name: string;
  allowed_scope: string;
  enabled: Generated<boolean>;
  generation: Generated<number>;
  created_at: CreatedAt;
  last_used_at: Date | null;
  /** Null: the setting applies. */
  requests_per_second: number | null;
  concurrent_requests: number | null;
  /** Text of a JSON Web Key Set. */
  jwks: string | null;
  jwks_uri: string | null;
  certificate_bound: Generated<boolean>;
}

interface ClientSecretTable {
  id: GeneratedAlways<number>;
  client_id: string;
  hash: string;
  created_at: CreatedAt;
  /** Null: valid until replaced. */
  expires_at: Date | null;
  last_used_at: Date | null;
}

interface SigningKeyTable {
  /** Order of creation. */
  seq: Generated<number>;
  kid: string;
  public_jwk: Json<Record<string, unknown>>;
  private_key: Buffer;
  created_at: CreatedAt;
  signs_from: Date;
  /** Null while no newer key exists. */
  verifies_until: Date | null;
}

interface RevokedTokenTable {
  jti: string;
  change: number;
  expires_at: Date;
}

/** Of first registrations. */
interface UsedDeviceTokenTable {
  jti: string;
  ends_at: Date;
}

interface UsedAssertionTable {
  client_id: string;
  jti: string;
  ends_at: Date;
}

/** Data that may change under a running process. */
export type AuthSubject = 'client' | 'signing_key' | 'revoked_token' | 'console_session';

interface AuthChangeTable {
  subject: AuthSubject;
  version: number;
}

interface AuditEventTable {
  id: GeneratedAlways<number>;
  at: CreatedAt;
  client_id: string;
  action: string;
  subject: string;
  address: string;
  detail: Json<Record<string, unknown>>;
  /** Null: a client acted by itself. */
  person: Json<PersonColumn> | null;
  request_id: string | null;
  user_agent: string | null;
  /** Events of releases before have the default, `done`. */
  outcome: Generated<'done' | 'refused' | 'failed'>;
  /** The place in the chain (src/audit/chain.repository.ts); null: not in the chain yet. */
  seq: number | null;
  hash: Buffer | null;
}

interface AuditOutboxTable {
  one: Generated<boolean>;
  /** Null: events are sent nowhere. */
  receiver: string | null;
  sent_seq: Generated<number>;
  /** Of the last try. */
  error: string | null;
  leased_by: string | null;
  leased_until: Generated<Date>;
}

interface AuditChainTable {
  one: Generated<boolean>;
  seq: Generated<number>;
  hash: Generated<Buffer>;
  folded_seq: Generated<number>;
  folded_hash: Generated<Buffer>;
}

/** A person who signed in by OpenID Connect. */
export interface PersonColumn {
  subject: string;
  name: string | null;
  email: string | null;
}

interface ConsoleSessionTable {
  hash: string;
  client_id: string;
  /** Null for a person. */
  generation: number | null;
  person: Json<PersonColumn> | null;
  grants: Json<string[][]>;
  address: string;
  /** Of a person: tokens of the identity provider, sealed under the cookie's value. */
  credentials: string | null;
  created_at: CreatedAt;
  seen_at: Generated<Date>;
  checked_at: Generated<Date>;
  ends_at: Date;
}

interface ConsoleTicketTable {
  hash: string;
  session_hash: string;
  path: string;
  ends_at: Date;
}

interface InstallationTable {
  id: string;
}
