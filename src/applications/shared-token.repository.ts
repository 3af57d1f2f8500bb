import { Inject, Injectable } from '@nestjs/common';
import { MINUTE_MS } from '../common/durations.js';
import { Vault } from '../common/vault.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { SealedColumn } from '../database/sealed.js';
import type { SharedToken, TokenShelf } from '../providers/token-shelf.js';

/** A token this far ahead was stored by a process with a wrong clock and would be used past its real end. */
const AHEAD_MS = MINUTE_MS;

/** The token shelf of the installation: encrypted in the database, which every process reaches. */
@Injectable()
export class SharedTokenRepository implements TokenShelf {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly vault: Vault,
  ) {}

  async take(name: string): Promise<SharedToken | undefined> {
    const row = await this.database.kysely
      .selectFrom('shared_token')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst();
    return (
      row && {
        token: this.vault.open(row.token, contextOf(name)),
        mintedAt: row.minted_at.getTime(),
        expiresAt: row.expires_at.getTime(),
      }
    );
  }

  async put(name: string, fresh: SharedToken, than: number): Promise<SharedToken> {
    const values = {
      token: this.vault.seal(fresh.token, contextOf(name)),
      minted_at: new Date(fresh.mintedAt),
      expires_at: new Date(fresh.expiresAt),
    };
    // One statement decides: the second process finds the committed row of the first and keeps it.
    const won = await this.database.kysely
      .insertInto('shared_token')
      .values({ name, ...values })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet(values)
          .where((where) =>
            where.or([
              where('shared_token.minted_at', '<=', new Date(than)),
              where('shared_token.minted_at', '>', new Date(fresh.mintedAt + AHEAD_MS)),
            ]),
          ),
      )
      .returning('name')
      .executeTakeFirst();
    if (!won) return (await this.take(name)) ?? fresh;
    await this.removeExpired(fresh.mintedAt);
    return fresh;
  }

  /** Removes tokens of unused credentials. Skips a row that is being renewed. */
  private async removeExpired(now: number): Promise<void> {
    await this.database.kysely
      .deleteFrom('shared_token')
      .where('name', 'in', (query) =>
        query
          .selectFrom('shared_token')
          .select('name')
          .where('expires_at', '<=', new Date(now))
          .forUpdate()
          .skipLocked(),
      )
      .execute();
  }
}

function contextOf(name: string): string {
  return `shared_token/${name}`;
}

export const SEALED_TOKENS: SealedColumn = { table: 'shared_token', column: 'token', key: ['name'], contextOf };
