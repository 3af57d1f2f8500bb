import type pg from 'pg';
import { StartError } from '../common/start-error.js';

/** Checks the role's rights before they are needed: PostgreSQL's error would name a table, but no cure. */

export interface Rights {
  role: string;
  schema: string;
  /** The schema exists. */
  isThere: boolean;
  /** Whether the role may create tables in the schema, or the schema if it does not exist. */
  mayMake: boolean;
  /** Owner of the tables; null: there are none. */
  owner: string | null;
  isOwner: boolean;
  /** In the syntax of `GRANT`: the role, and the owner of the tables. */
  grantee: string;
  grantor: string;
}

/** `ledger`: the table of completed migrations. */
export async function readRights(pool: pg.Pool, schema: string, ledger: string): Promise<Rights> {
  const { rows } = await pool.query<Rights>(
    `select current_user as role, $1::text as schema, n.oid is not null as "isThere",
       case when n.oid is null then has_database_privilege(current_database(), 'create')
         else has_schema_privilege(n.oid, 'create') end as "mayMake",
       pg_get_userbyid(c.relowner) as owner, coalesce(pg_has_role(c.relowner, 'usage'), true) as "isOwner",
       quote_ident(current_user) as grantee, quote_ident(case
         when c.oid is null and pg_get_userbyid(n.nspowner) = 'pg_database_owner' then pg_get_userbyid(d.datdba)
         else pg_get_userbyid(coalesce(c.relowner, n.nspowner)) end) as grantor
     from pg_database d left join pg_namespace n on n.nspname = $1
       left join pg_class c on c.relnamespace = n.oid and c.relname = $2 and c.relkind = 'r'
     where d.datname = current_database()`,
    [schema, ledger],
  );
  return rows[0]!;
}

/** Throws StartError if the role cannot create or change the tables. */
export function demandMigration(standing: Rights, pending: readonly string[], place: string): void {
  const { role, owner, isOwner, isThere, mayMake, grantee, grantor, schema } = standing;
  const steps = `${pending.slice(0, 3).join(', ')}${pending.length > 3 ? ', …' : ''}`;
  if (owner !== null && !isOwner)
    throw new StartError(
      `${place} has to be migrated (${steps}), and its tables belong to the role ${owner}: run npm run migrate as ${owner}, then start as ${role}`,
    );
  if (mayMake) return;
  const grant = isThere
    ? `grant usage, create on schema ${quote(schema)} to ${grantee}`
    : `create schema ${quote(schema)} authorization ${grantee}`;
  const by = isThere ? ` as ${grantor}` : '';
  const right = isThere ? `may not make tables in the schema ${schema}` : `may not make the schema ${schema}`;
  throw new StartError(
    `${place}: the role ${role} ${right}: run "${grant}"${by}, or npm run migrate as a role that may`,
  );
}

/**
 * Throws StartError with the missing grants if the role may not use the owner's tables; with `makes`, also if it may
 * not create tables.
 */
export async function demandUse(pool: pg.Pool, standing: Rights, place: string, makes = false): Promise<void> {
  const { role, schema, owner, isOwner, grantee, grantor } = standing;
  if (isOwner) return;
  const { rows } = await pool.query<{ missing: string | null }>(MISSING, [schema, owner, makes]);
  const missing = rows[0]?.missing ?? null;
  if (missing === null) return;
  const to = `in schema ${quote(schema)} to ${grantee}`;
  const grants = [
    `grant usage${makes ? ', create' : ''} on schema ${quote(schema)} to ${grantee}`,
    `grant select, insert, update, delete on all tables ${to}`,
    `grant usage on all sequences ${to}`,
    `grant execute on all functions ${to}`,
  ].join('; ');
  throw new StartError(
    `${place}: the role ${role} may not use what belongs to the role ${owner} in the schema ${schema} (${missing}): run "${grants}" as ${grantor}`,
  );
}

/** The first few objects that may not be used. Kysely's own tables need read access only. */
const MISSING = `
  with missing as (
    select nspname as name from pg_namespace 
    where nspname = $1 and not (has_schema_privilege(oid, 'usage') and (not $3 or has_schema_privilege(oid, 'create')))
    union all
    select relname from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname = $1 and pg_get_userbyid(relowner) = $2 and case
      when relkind = 'S' then not has_sequence_privilege(c.oid, 'usage')
      when relkind <> 'r' then false
      when not has_table_privilege(c.oid, 'select') then true
      when relname in ('kysely_migration', 'kysely_migration_lock') then false
      else not (has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
        and has_table_privilege(c.oid, 'delete')) end
    union all
    select proname from pg_proc p join pg_namespace n on n.oid = pronamespace
    where nspname = $1 and pg_get_userbyid(proowner) = $2 and not has_function_privilege(p.oid, 'execute'))
  select string_agg(name, ', ') || case when (select count(*) from missing) > 3 then ', …' else '' end as missing
  from (select name from missing limit 3) first`;

function quote(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
