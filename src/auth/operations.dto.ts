import { IsInt, IsOptional, Max, Min } from 'class-validator';
import type { AuditEvent } from './audit.repository.js';
import { MAX_LEAD_S } from './signing-keys.js';
import type { SigningKey } from './signing-keys.js';

export class RotateKeyDto {
  /** From the key's publication to its first signature; default 120. */
  @IsOptional()
  @IsInt({ message: 'it must be a whole number' })
  @Min(0, { message: 'it must be at least 0' })
  @Max(MAX_LEAD_S, { message: `it must be at most ${MAX_LEAD_S}` })
  leadSeconds?: number;
}

export class SigningKeyAnswer {
  kid!: string;
  signsFromTime!: string;
  /** Absent: no other key has followed yet. */
  verifiesUntilTime?: string;
}

export class SigningKeyListAnswer {
  /** In the order in which they were made: of those whose time has come, the last one signs. */
  keys!: SigningKeyAnswer[];
}

export class AuditEventAnswer {
  id!: number;
  time!: string;
  /** Who: the client that was authenticated, or `carillon` for what it does by itself. */
  clientId!: string;
  action!: string;
  /** The client, key or application that was changed. */
  subject!: string;
  /** From where. */
  address!: string;
  detail!: Record<string, unknown>;
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

export function toEventAnswer({ id, at, actor, action, subject, detail }: AuditEvent): AuditEventAnswer {
  return { id, time: at.toISOString(), ...actor, action, subject, detail };
}
