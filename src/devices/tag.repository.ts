import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

export interface Tag {
  name: string;
  description: string;
  createdAt: Date;
  updatedAt: Date;
}

@Injectable()
export class TagRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Undefined when the name is taken. */
  async add(applicationId: string, name: string, description: string, now: Date): Promise<Tag | undefined> {
    const added = await this.database.kysely
      .insertInto('tag')
      .values({ application_id: applicationId, name, description, created_at: now, updated_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning('name')
      .executeTakeFirst();
    return added && { name, description, createdAt: now, updatedAt: now };
  }

  async list(applicationId: string): Promise<Tag[]> {
    const rows = await this.database.kysely
      .selectFrom('tag')
      .selectAll()
      .where('application_id', '=', applicationId)
      .orderBy('name')
      .execute();
    return rows.map((row) => ({
      name: row.name,
      description: row.description,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }));
  }

  /** Those of the names that exist. */
  async existing(applicationId: string, names: readonly string[]): Promise<Set<string>> {
    const rows = await this.database.kysely
      .selectFrom('tag')
      .select('name')
      .where('application_id', '=', applicationId)
      .where('name', 'in', names)
      .execute();
    return new Set(rows.map((row) => row.name));
  }
}
