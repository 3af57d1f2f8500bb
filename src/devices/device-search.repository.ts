import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { RawBuilder, Selectable } from 'kysely';
import { invalidValue } from '../common/errors.js';
import type { Cursor, Page, PageRequest } from '../common/paging.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import type { DeviceTable } from '../database/tables.js';
import { ofPlatform, ofUser, toDevice } from './device.repository.js';
import type { Device, DeviceQuery } from './device.repository.js';
import { TOKEN_END, afterPrefix } from './device-search.js';
import type { DeviceSearch } from './device-search.js';

/**
 * Devices that a request looks at, at most: 20 to 40 ms. If every term of a search fits more devices than this, a page
 * may have fewer devices than its size although more follow.
 */
const LOOKED_AT = 20_000;

/** Devices that tell whether an attribute's value is common. */
const FIRST = 500;

/** One condition of a search, with the index that finds its devices. */
interface Term {
  name: string;
  where: RawBuilder<boolean>;
  /** The order of the index before seq; none: by seq alone. */
  key?: RawBuilder<string>;
  /** The index has no order: its devices are found together and sorted. */
  unordered?: true;
}

type Found = Selectable<DeviceTable> & { search_key: string };

/** All devices, by the list's own index. */
const WALK: Term = { name: 'all', where: sql`true` };

/** Searches devices by the indexes of migration 0044, of which one leads and the other terms are compared. */
@Injectable()
export class DeviceSearchRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * In the order of the leading index. `total` counts at most the first 20,000 devices of the leading term. Throws
   * FPWSE0005E for a cursor of another search.
   */
  async search(
    applicationId: string,
    { search, userId, filter }: DeviceQuery,
    { cursor, offset, size }: PageRequest,
  ): Promise<Page<Device>> {
    const terms = termsOf(applicationId, search ?? {}, userId);
    const leading = cursor ? leadingOf(cursor, terms) : await this.chooseLeading(applicationId, terms);
    const fits = sql.join(
      [ofPlatform(filter), ...terms.filter((term) => term !== leading).map(({ where }) => where)],
      sql` and `,
    );
    const backward = cursor?.side === 'before';
    const looked = lookAt(applicationId, leading, fits, cursor);
    const { rows } = await sql<Found>`select * from (${looked}) as looked where fits
      limit ${size + 1} offset ${cursor ? 0 : offset}`.execute(this.database.reader);
    const more = rows.length > size;
    if (more) rows.pop();
    const edge = more ? rows.at(-1) : await this.lastLookedAt(looked);
    const [first, last] = backward ? [edge, rows[0]] : [rows[0], edge];
    const total = cursor?.total ?? (offset === 0 && !edge ? rows.length : await this.count(looked));
    const link = (side: Cursor['side'], at: Pick<Found, 'search_key' | 'seq'> | undefined): Cursor | undefined =>
      at && { side, key: [leading.name, at.search_key, at.seq], total };
    return {
      rows: (backward ? rows.toReversed() : rows).map(toDevice),
      total,
      next: link('after', last),
      previous: backward || cursor || offset > 0 ? link('before', first) : undefined,
    };
  }

  /** The term with the fewest devices, each counted up to the limit by its index: 2 to 5 ms. */
  private async chooseLeading(applicationId: string, terms: readonly Term[]): Promise<Term> {
    const [only] = terms;
    if (!only) return WALK;
    if (terms.length === 1 && !only.unordered) return only;
    const counts = terms.map(({ where, unordered }) => {
      const count = sql`(select count(*)::int from (
        select from device where application_id = ${applicationId} and ${where} limit ${LOOKED_AT + 1}) as counted)`;
      // An index without an order finds all devices of a value at once, 0.4 s for half a million. A value of every
      // tenth device is found sooner by a walk.
      return unordered
        ? sql`case when (select count(*) from (
            select * from device where application_id = ${applicationId} order by seq limit ${FIRST}) as device
            where ${where}) >= ${FIRST / 10} then ${LOOKED_AT + 1} else ${count} end`
        : count;
    });
    const { rows } = await sql<{ counts: number[] }>`select array[${sql.join(counts)}] as counts`.execute(
      this.database.reader,
    );
    const counted = terms
      .map((term, index) => ({ term, count: rows[0]?.counts[index] ?? 0 }))
      .filter(({ term, count }) => !term.unordered || count <= LOOKED_AT)
      .toSorted((a, b) => a.count - b.count);
    return counted[0]?.term ?? WALK;
  }

  /** The last device of a request that has looked at the most devices; undefined: no further device matches. */
  private async lastLookedAt(looked: RawBuilder<unknown>): Promise<Pick<Found, 'search_key' | 'seq'> | undefined> {
    const { rows } = await sql<Pick<Found, 'search_key' | 'seq'>>`
      select search_key, seq from (${looked}) as looked offset ${LOOKED_AT - 1} limit 1`.execute(this.database.reader);
    return rows[0];
  }

  private async count(looked: RawBuilder<unknown>): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from (${looked}) as looked where fits`.execute(this.database.reader);
    return rows[0]?.count ?? 0;
  }
}

/** The devices of the leading term beside the cursor, in order; `fits`: the device matches the other terms too. */
function lookAt(
  applicationId: string,
  { where, key, unordered }: Term,
  fits: RawBuilder<unknown>,
  cursor: Cursor | undefined,
): RawBuilder<unknown> {
  // A limit inside keeps the planner from walking in the order of seq until all devices are found.
  const from = unordered
    ? sql`(select * from device where application_id = ${applicationId} and ${where} limit ${LOOKED_AT + 1}) as device
      where true`
    : sql`device where application_id = ${applicationId} and ${where}`;
  const backward = cursor?.side === 'before';
  const columns = key ? [key, sql`seq`] : [sql`seq`];
  const order = sql.join(columns.map((column) => (backward ? sql`${column} desc` : column)));
  return sql`
    select device.*, ${key ?? sql`''`}::text as search_key, coalesce(${fits}, false) as fits
    from ${from} ${cursor ? sql`and ${beside(cursor, key)}` : sql``} order by ${order} limit ${LOOKED_AT}`;
}

function beside({ side, key: [, text, seq] }: Cursor, key: RawBuilder<string> | undefined): RawBuilder<boolean> {
  const comparison = sql.raw(side === 'after' ? '>' : '<');
  return key ? sql`(${key}, seq) ${comparison} (${text}::text, ${seq}::bigint)` : sql`seq ${comparison} ${seq}::bigint`;
}

function leadingOf({ key: [name, text, seq] }: Cursor, terms: readonly Term[]): Term {
  const leading = [...terms, WALK].find((term) => term.name === name);
  if (!leading || typeof text !== 'string' || typeof seq !== 'number')
    throw invalidValue('cursor', 'it belongs to another list');
  return leading;
}

function termsOf(applicationId: string, search: DeviceSearch, userId: DeviceQuery['userId']): Term[] {
  const { state, idPrefix, userPrefix, tokenEnd, language, attribute, platform } = search;
  const terms: (Term | false)[] = [
    userId !== undefined && { name: 'userId', where: ofUser(userId) },
    tokenEnd !== undefined && {
      name: 'token',
      where: sql`${TOKEN_KEY} = ${tokenEnd.slice(-TOKEN_END)} and right(token, ${tokenEnd.length}) = ${tokenEnd}`,
      key: TOKEN_KEY,
    },
    idPrefix !== undefined && { name: 'id', where: withPrefix(ID_KEY, idPrefix), key: ID_KEY },
    userPrefix !== undefined && { name: 'user', where: withPrefix(USER_KEY, userPrefix), key: USER_KEY },
    attribute !== undefined && {
      name: 'attribute',
      where: sql`attributes <> '{}' and device_terms(application_id, attributes)
          @> device_terms(${applicationId}, jsonb_build_object(${attribute.name}::text, ${attribute.value}::text))
        and attributes->>${attribute.name} = ${attribute.value}`,
      unordered: true,
    },
    state === 'retired' && { name: 'retired', where: sql`retired_reason is not null` },
    // From "de" to before "de.": "de" itself, and "de-" with what follows.
    language !== undefined && {
      name: 'language',
      where: sql`${LANGUAGE_KEY} >= ${language} and ${LANGUAGE_KEY} < ${`${language}.`}`,
      key: LANGUAGE_KEY,
    },
    platform !== undefined && { name: 'platform', where: sql`platform = ${platform}` },
    state === 'active' && { name: 'active', where: sql`retired_reason is null` },
  ];
  return terms.filter((term) => term !== false);
}

/** As in the indexes. */
const TOKEN_KEY = sql<string>`right(token, ${sql.lit(TOKEN_END)}) collate "C"`;
const ID_KEY = sql<string>`device_id collate "C"`;
const USER_KEY = sql<string>`user_id collate "C"`;
const LANGUAGE_KEY = sql<string>`language collate "C"`;

function withPrefix(key: RawBuilder<string>, prefix: string): RawBuilder<boolean> {
  const end = afterPrefix(prefix);
  return end === undefined ? sql`${key} >= ${prefix}` : sql`${key} >= ${prefix} and ${key} < ${end}`;
}
