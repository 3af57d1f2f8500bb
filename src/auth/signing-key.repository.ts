import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

/** `privateKey` is a PKCS#8 PEM, sealed by the vault. */
export interface SigningKeyRow {
  kid: string;
  publicJwk: Record<string, unknown>;
  privateKey: Buffer;
}

@Injectable()
export class SigningKeyRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Oldest first. */
  async list(): Promise<SigningKeyRow[]> {
    const rows = await this.database.kysely.selectFrom('signing_key').selectAll().orderBy('created_at').execute();
    return rows.map((row) => ({ kid: row.kid, publicJwk: row.public_jwk, privateKey: row.private_key }));
  }

  /** Adds the first key of an installation; when two processes start at once, one of them loses and reads the other's. */
  async addFirst(key: SigningKeyRow): Promise<void> {
    await this.database.kysely.transaction().execute(async (transaction) => {
      await sql`lock table signing_key in exclusive mode`.execute(transaction);
      const existing = await transaction.selectFrom('signing_key').select('kid').limit(1).executeTakeFirst();
      if (existing) return;
      await transaction
        .insertInto('signing_key')
        .values({ kid: key.kid, public_jwk: JSON.stringify(key.publicJwk), private_key: key.privateKey })
        .execute();
    });
  }
}
