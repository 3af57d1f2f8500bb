import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
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
  /** When the new key begins to sign. */
  signsFrom: number;
  /** How long keys verify after they have stopped signing. */
  overlapMs: number;
  /** Do nothing when the newest key began to sign after this: another process was first. */
  unlessNewerThan: number;
}

@Injectable()
export class SigningKeyRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** In the order in which they sign. */
  async list(): Promise<SigningKeyRow[]> {
    const rows = await this.database.kysely.selectFrom('signing_key').selectAll().orderBy('signs_from').execute();
    return rows.map((row) => ({
      kid: row.kid,
      publicJwk: row.public_jwk,
      privateKey: row.private_key,
      signsFrom: row.signs_from,
      verifiesUntil: row.verifies_until,
    }));
  }

  /**
   * Adds a key, gives those before it their end, and removes those whose end has come. The new one never signs before
   * an older one does. Answers when it begins to, or null when another process was first.
   */
  async rotate(actor: Actor, key: NewSigningKey, rotation: Rotation): Promise<Date | null> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      await countChange(transaction, 'signing_key');
      const newest = await transaction
        .selectFrom('signing_key')
        .select('signs_from')
        .orderBy('signs_from', 'desc')
        .executeTakeFirst();
      const newestFrom = newest?.signs_from.getTime() ?? 0;
      if (newestFrom > rotation.unlessNewerThan) return null;
      // A millisecond later at least, so that their order is certain.
      const signsFrom = new Date(Math.max(rotation.signsFrom, newestFrom + 1));
      const verifiesUntil = new Date(signsFrom.getTime() + rotation.overlapMs);
      await transaction
        .updateTable('signing_key')
        .set({ verifies_until: sql<Date>`coalesce(verifies_until, ${verifiesUntil})` })
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
