import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Provider tokens that the processes share: Apple counts the JWTs of a team over all processes. */
export async function up(db: Kysely<never>): Promise<void> {
  // name is a hash of the credential; token is encrypted by the vault; the times are those of the process that wrote.
  await sql
    .raw(
      `create table shared_token (
         name text primary key,
         token bytea not null,
         minted_at timestamptz not null,
         expires_at timestamptz not null
       )`,
    )
    .execute(db);
}
