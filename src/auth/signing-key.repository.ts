import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { SealedColumn } from '../database/sealed.js';
import { inTransaction } from '../database/transaction.js';
import { recordAudit } from './audit.repository.js';
import type { Actor } from './audit.repository.js';
import { countChange } from './change.repository.js';

/** `privateKey` is a PKCS#8 PEM, sealed by the vault. */
export interface NewSigningKey {
  kid: string;
  publicJwk: Record<string, unknown>;
  privateKey: Buffer;
}

export interface SigningKeyRow extends NewSigningKey {
  signsFrom: Date;
  /** Null: until another key follows. */
  verifiesUntil: Date | null;
}

/** The times of a rotation, in epoch milliseconds. */
export interface Rotation {
  now: number;
  /** The time of the new key's first signature. */
  signsFrom: number;
  /** How long keys verify after their last signature. */
  overlapMs: number;
  /**
   * True if the newest key, which signs from `from` on, is recent enough, because another process has rotated first;
   * then nothing is done.
   */
  isFresh: (from: number) => boolean;
}

@Injectable()
export class SigningKeyRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** In order of creation: the last key with a past `signs_from` signs. */
  async list(): Promise<SigningKeyRow[]> {
    const rows = await this.database.kysely.selectFrom('signing_key').selectAll().orderBy('seq').execute();
    return rows.map((row) => ({
      kid: row.kid,
      publicJwk: row.public_jwk,
      privateKey: row.private_key,
      signsFrom: row.signs_from,
      verifiesUntil: row.verifies_until,
    }));
  }

  /**
   * Adds a key, sets the end of earlier keys, and removes keys whose end has passed. The last created key with a past
   * `signs_from` signs, so that a key with a time far ahead, from a wrong clock, blocks nothing. Returns the time of
   * the new key's first signature, or null if another process was first.
   */
  async rotate(actor: Actor, key: NewSigningKey, rotation: Rotation): Promise<Date | null> {
    return inTransaction(this.database, async (transaction) => {
      await countChange(transaction, 'signing_key');
      const newest = await transaction
        .selectFrom('signing_key')
        .select('signs_from')
        .orderBy('seq', 'desc')
        .executeTakeFirst();
      if (newest && rotation.isFresh(newest.signs_from.getTime())) return null;
      const signsFrom = new Date(rotation.signsFrom);
      const verifiesUntil = new Date(signsFrom.getTime() + rotation.overlapMs);
      await transaction
        .updateTable('signing_key')
        // The earlier end: an end set while the clock was ahead would keep a leaked key valid.
        .set({ verifies_until: sql<Date>`least(verifies_until, ${verifiesUntil}::timestamptz)` })
        .execute();
      await transaction.deleteFrom('signing_key').where('verifies_until', '<=', new Date(rotation.now)).execute();
      await transaction
        .insertInto('signing_key')
        .values({
          kid: key.kid,
          public_jwk: JSON.stringify(key.publicJwk),
          private_key: key.privateKey,
          signs_from: signsFrom,
          verifies_until: null,
        })
        .execute();
      await recordAudit(transaction, actor, {
        action: 'signing_key.rotate',
        subject: key.kid,
        detail: { signsFrom: signsFrom.toISOString() },
      });
      return signsFrom;
    });
  }
}

/** The context under which a private key is sealed. */
export function signingKeyContext(kid: string): string {
  return `signing_key/${kid}`;
}

export const SEALED_SIGNING_KEYS: SealedColumn = {
  table: 'signing_key',
  column: 'private_key',
  key: ['kid'],
  contextOf: (kid = '') => signingKeyContext(kid),
};
