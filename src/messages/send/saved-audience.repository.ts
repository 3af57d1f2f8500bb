import { Inject, Injectable } from '@nestjs/common';
import type { Kysely, Selectable } from 'kysely';
import { ApiError } from '../../common/errors.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { AudienceTable } from '../../database/device-tables.js';
import type { Tables } from '../../database/tables.js';
import { inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';

/** A target with a name. */
export interface SavedAudience {
  name: string;
  description: string;
  /** As received. */
  target: Record<string, unknown>;
  /** The client or person that made or changed it last. */
  changedBy: string;
  createdAt: Date;
  updatedAt: Date;
}

export type NewAudience = Omit<SavedAudience, 'createdAt' | 'updatedAt'>;

/** A list is one answer. */
const MAX_PER_APPLICATION = 200;

@Injectable()
export class SavedAudienceRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The targets by name; names that are not known are left out. */
  async findTargets(
    applicationId: string,
    names: readonly string[],
    db: Kysely<Tables> = this.database.kysely,
  ): Promise<Map<string, SavedAudience['target']>> {
    if (names.length === 0) return new Map();
    const rows = await db
      .selectFrom('audience')
      .select(['name', 'target'])
      .where('application_id', '=', applicationId)
      .where('name', 'in', names)
      .execute();
    return new Map(rows.map(({ name, target }) => [name, target]));
  }

  async list(applicationId: string): Promise<SavedAudience[]> {
    const rows = await this.database.kysely
      .selectFrom('audience')
      .selectAll()
      .where('application_id', '=', applicationId)
      .orderBy('name')
      .execute();
    return rows.map(toAudience);
  }

  async find(applicationId: string, name: string, tx?: Tx): Promise<SavedAudience | undefined> {
    const query = (tx ?? this.database.kysely)
      .selectFrom('audience')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('name', '=', name);
    const row = await (tx ? query.forUpdate() : query).executeTakeFirst();
    return row && toAudience(row);
  }

  /** In a transaction the audience stays as it is until the commit. */
  async hold(applicationId: string, name: string, tx?: Tx): Promise<SavedAudience | undefined> {
    const query = (tx ?? this.database.kysely)
      .selectFrom('audience')
      .selectAll()
      .where('application_id', '=', applicationId)
      .where('name', '=', name);
    const row = await (tx ? query.forShare() : query).executeTakeFirst();
    return row && toAudience(row);
  }

  /** Throws FPWSE0002E if the name is taken, CARIL0409E if the application has the maximum number. */
  add(applicationId: string, audience: NewAudience, now: Date): Promise<SavedAudience> {
    return inTransaction(this.database, async (tx) => {
      const { count } = await tx
        .selectFrom('audience')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('application_id', '=', applicationId)
        .executeTakeFirstOrThrow();
      if (count >= MAX_PER_APPLICATION)
        throw new ApiError('CARIL0409E', `The application has ${MAX_PER_APPLICATION} saved audiences already.`);
      const row = await tx
        .insertInto('audience')
        .values({ application_id: applicationId, ...toColumns(audience), created_at: now, updated_at: now })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      if (!row) throw new ApiError('FPWSE0002E', `The audience exists already. Check the 'name' parameter value.`);
      return toAudience(row);
    });
  }

  async replace(applicationId: string, audience: NewAudience, now: Date, tx: Tx): Promise<SavedAudience> {
    const row = await tx
      .updateTable('audience')
      .set({ ...toColumns(audience), updated_at: now })
      .where('application_id', '=', applicationId)
      .where('name', '=', audience.name)
      .returningAll()
      .executeTakeFirstOrThrow();
    return toAudience(row);
  }

  async remove(applicationId: string, name: string, tx: Tx): Promise<void> {
    await tx.deleteFrom('audience').where('application_id', '=', applicationId).where('name', '=', name).execute();
  }
}

function toColumns({ name, description, target, changedBy }: NewAudience) {
  return { name, description, target: JSON.stringify(target), changed_by: changedBy };
}

function toAudience(row: Selectable<AudienceTable>): SavedAudience {
  return {
    name: row.name,
    description: row.description,
    target: row.target,
    changedBy: row.changed_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
