import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { indexesIfSmall } from './small-table.js';

/** Indexes for the search of devices; 64 MB are about 100,000 devices: 1 s. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql.raw(DEVICE_TERMS).execute(db);
  await sql.raw(indexesIfSmall('device', DEVICE_SEARCH_INDEXES)).execute(db);
}

/** A number for each attribute of a device: the index has one entry for each, and rows are compared afterwards. */
const DEVICE_TERMS = `
  create function device_terms(application_id text, attributes jsonb) returns bigint[]
  language sql immutable parallel safe as $$
    select array(select hashtextextended(application_id || E'\\x01' || key || E'\\x01' || value, 0)
      from jsonb_each_text(attributes)) $$`;

/** "C", because only the order of bytes makes a prefix one range of an index. */
export const DEVICE_SEARCH_INDEXES: Readonly<Record<string, string>> = {
  device_search_id: `device (application_id, device_id collate "C", seq)`,
  device_search_user: `device (application_id, user_id collate "C", seq) where user_id is not null`,
  device_search_token: `device (application_id, right(token, 8) collate "C", seq)`,
  device_search_language: `device (application_id, language collate "C", seq) where language is not null`,
  device_search_attribute: `device using gin (device_terms(application_id, attributes)) where attributes <> '{}'`,
  device_search_retired: `device (application_id, seq) where retired_reason is not null`,
};
