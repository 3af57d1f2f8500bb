import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { DeviceCondition } from '../database/tables.js';

/** A condition on a device, as SQL over the table `device`. Never null, so that a negation is correct. */
export function conditionToSql(condition: DeviceCondition): RawBuilder<boolean> {
  switch (condition.kind) {
    case 'language': {
      const of = condition.of ? speaks(condition.of) : sql<boolean>`true`;
      return condition.except?.length ? sql`(${of} and not ${speaks(condition.except)})` : of;
    }
    case 'timeZone': {
      const named = sql<boolean>`coalesce(device.time_zone = any(${condition.of}), false)`;
      return condition.orNone ? sql`(${named} or device.time_zone is null)` : named;
    }
    case 'appVersion': {
      const { min, max } = condition;
      const from = min === undefined ? sql`true` : sql`${VERSION} >= ${numbers(min)}`;
      return sql`coalesce(${from} and ${max === undefined ? sql`true` : sql`${VERSION} <= ${numbers(max)}`}, false)`;
    }
    case 'attribute': {
      const values = condition.in.map((value) => sql`${JSON.stringify(value)}::jsonb`);
      return sql`coalesce(device.attributes->${condition.name} in (${sql.join(values)}), false)`;
    }
    case 'attributeRange': {
      const value = sql`device.attributes->${condition.name}`;
      const { min = -Infinity, max = Infinity } = condition;
      // Only numbers are compared; `case` keeps the cast away from other values.
      return sql`case when jsonb_typeof(${value}) = 'number'
        then (${value})::float8 between ${min}::float8 and ${max}::float8 else false end`;
    }
    case 'share': {
      // 32 bits of md5, which is equal in every version of PostgreSQL; a device without a user is hashed by itself.
      const hash = sql`('x' || left(md5(${condition.salt} || ' ' || coalesce('u' || device.user_id, 'd' || device.device_id)), 8))::bit(32)::bigint`;
      return sql`(${hash} * 10000 >> 32) between ${condition.from} and ${condition.to - 1}`;
    }
  }
}

const LANGUAGE = sql`replace(lower(device.language), '_', '-')`;
const VERSION = sql`string_to_array(substring(device.app_version from '^[0-9]{1,9}(?:[.][0-9]{1,9}){0,5}'), '.')::int[]`;

function speaks(languages: readonly string[]): RawBuilder<boolean> {
  const patterns = languages.map((language) => `${language}-%`);
  return sql`coalesce(${LANGUAGE} = any(${languages}) or ${LANGUAGE} like any(${patterns}), false)`;
}

function numbers(version: string): RawBuilder<number[]> {
  return sql`${`{${version.split('.').join(',')}}`}::int[]`;
}
