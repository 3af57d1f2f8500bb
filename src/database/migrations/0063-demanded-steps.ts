import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Steps that a program must know to work with this database. A program that knows each of them starts beside newer
 * steps, so that a release can be taken back.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`create table demanded_step (name text primary key)`.execute(db);
}
