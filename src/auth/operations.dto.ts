import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { AUDIT_OUTCOMES } from './audit.repository.js';
import type { AuditEvent } from './audit.repository.js';
import { MAX_LEAD_S } from './signing-keys.js';
import type { SigningKey } from './signing-keys.js';

export class RotateKeyDto {
  /**
   * Seconds from the key's publication to its first signature. Default: 120.
   * @example 120
   */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(MAX_LEAD_S, { message: `it must be at most ${MAX_LEAD_S}` })
  leadSeconds?: number;
}

export class SigningKeyAnswer {
  kid!: string;
  signsFromTime!: string;
  /** Absent while no newer key exists. */
  verifiesUntilTime?: string;
}

export class SigningKeyListAnswer {
  /** In the order of creation. Tokens are signed by the last key with a past `signsFromTime`. */
  keys!: SigningKeyAnswer[];
}

export class AuditPersonAnswer {
  /** `sub` of the identity provider. */
  subject!: string;
  @ApiProperty({ type: String, nullable: true })
  name!: string | null;
  @ApiProperty({ type: String, nullable: true })
  email!: string | null;
}

export class AuditEventAnswer {
  @ApiProperty({ type: 'integer' })
  id!: number;
  @ApiProperty({ format: 'date-time' })
  time!: string;
  /**
   * The authenticated client, `carillon` for changes by the server itself, or `person:` and the subject of a person of
   * the console; `caller:unknown` for a caller that did not authenticate.
   */
  clientId!: string;
  action!: string;
  /** The client, key or application that was changed; empty for acts on none of them. */
  subject!: string;
  /** `failed`: the server answered 5xx, and the act may have been done. */
  @ApiProperty({ enum: AUDIT_OUTCOMES })
  outcome!: string;
  /** The address of the request. */
  address!: string;
  /** `X-Request-Id` of the request and of its answer; absent for changes by the server itself. */
  requestId?: string;
  userAgent?: string;
  detail!: Record<string, unknown>;
  /** Present if a person acted, who signed in to the console by OpenID Connect. */
  person?: AuditPersonAnswer;
  /** The place in the chain of events; absent for a second, until the event is in the chain. */
  @ApiProperty({ type: 'integer' })
  seq?: number;
  /** SHA-256, in hex: any event with `seq` and `hash` is a checkpoint for the command `audit verify`. */
  hash?: string;
}

export class AuditEventListAnswer {
  /** Newest first. */
  events!: AuditEventAnswer[];
}

export function toKeyAnswer({ kid, signsFrom, verifiesUntil }: SigningKey): SigningKeyAnswer {
  return {
    kid,
    signsFromTime: signsFrom.toISOString(),
    ...(verifiesUntil && { verifiesUntilTime: verifiesUntil.toISOString() }),
  };
}

export function toEventAnswer({ id, at, actor, seq, hash, ...act }: AuditEvent): AuditEventAnswer {
  const { action, subject, outcome, detail } = act;
  const link = { ...(seq !== null && { seq }), ...(hash && { hash: hash.toString('hex') }) };
  return { id, time: at.toISOString(), ...actor, action, subject, outcome, detail, ...link };
}
