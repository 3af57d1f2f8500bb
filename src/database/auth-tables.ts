import type { GeneratedAlways, Generated } from 'kysely';
import type { CreatedAt, Json } from './columns.js';

/** The tables of the authorization server. */

export interface ClientTable {
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
}

export interface ClientSecretTable {
  id: GeneratedAlways<number>;
  client_id: string;
  hash: string;
  created_at: CreatedAt;
  /** Null: valid until replaced. */
  expires_at: Date | null;
  last_used_at: Date | null;
}

export interface SigningKeyTable {
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

export interface RevokedTokenTable {
  jti: string;
  change: number;
  expires_at: Date;
}

/** Data that may change under a running process. */
export type AuthSubject = 'client' | 'signing_key' | 'revoked_token';

export interface AuthChangeTable {
  subject: AuthSubject;
  version: number;
}

export interface AuditEventTable {
  id: GeneratedAlways<number>;
  at: CreatedAt;
  client_id: string;
  action: string;
  subject: string;
  address: string;
  detail: Json<Record<string, unknown>>;
}
