import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@nestjs/common';
import { Kysely, PostgresDialect } from 'kysely';
import type { PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';
import { withDeadline } from '../common/deadline.js';
import { Outage } from '../common/outage.js';
import { SQL_CLASS, SQL_STATE, hasSqlState } from '../common/sql-state.js';
import { isUnavailable } from '../common/unavailable.js';
import type { Tables } from './tables.js';

/** A standby further behind is not used: an answer is never older than this, plus the age of the last mark. */
export const MOST_BEHIND_MS = 10_000;
/** Interval of the marks. */
const MARK_MS = 1_000;
/** A standby that does not answer in this time counts as down, … */
const ANSWER_MS = 2_000;
/** … and is asked again after this time. */
const AGAIN_MS = 10_000;

/** The end of the primary's log (a byte position) and the time at which it was read, epoch ms of the primary. */
interface Mark {
  at: number;
  lsn: bigint;
  /** When it was made, by this process's steady clock. */
  madeAt: number;
}

/**
 * Reads from a hot standby (postgresql.org/docs/current/hot-standby.html) where the caller accepts an older state.
 *
 * How old the state is follows from the log: everything that was committed on the primary when a mark was made is
 * visible on a standby that has replayed the log up to this mark. The standby is asked for its position before each
 * statement, because a name may lead to several standbys.
 */
export class Standby {
  private readonly outage = new Outage(new Logger('Database'), {
    begins: 'Reports and lists are read from the primary, because the standby cannot be used',
    ends: 'Reports and lists are read from the standby again',
    level: 'warn',
  });
  /** The time from which on the state is read, in the context of a request. */
  private readonly scope = new AsyncLocalStorage<number>();
  private marks: Mark[] = [];
  private timer: NodeJS.Timeout | undefined;
  private identity: Promise<string> | undefined;
  private againAt = -Infinity;

  /** Its statements run on the standby inside of `within`, and on the primary everywhere else. */
  readonly reader = new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: { connect: () => this.connect(), end: () => Promise.resolve() } }),
  });

  constructor(
    private readonly primary: pg.Pool,
    private readonly standby: pg.Pool,
    private readonly place: string,
  ) {}

  /** The time (epoch ms) up to which the standby is complete; null if it cannot be used now. */
  async asOf(): Promise<number | null> {
    if (this.timer === undefined) {
      this.timer = setInterval(() => void this.mark(), MARK_MS);
      this.timer.unref();
      await this.mark();
    }
    const taken = await this.take(-Infinity);
    taken?.client.release();
    return taken?.asOf ?? null;
  }

  /** `asOf`: of this object. Statements see this state or a newer one. */
  within<T>(asOf: number, work: () => T): T {
    return this.scope.run(asOf, work);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    // A silent server must not delay the stop; the connections end with the process.
    await withDeadline('The standby', ANSWER_MS, this.standby.end()).catch(() => undefined);
  }

  private async mark(): Promise<void> {
    try {
      const { rows } = await this.primary.query<{ at: number; lsn: string }>(
        `select (extract(epoch from clock_timestamp()) * 1000)::float8 as at, pg_current_wal_insert_lsn()::text as lsn`,
      );
      const { at, lsn } = rows[0]!;
      this.marks.push({ at: Math.floor(at), lsn: toPosition(lsn), madeAt: performance.now() });
    } catch {
      // Without marks the standby counts as too far behind after a while; the primary's trouble is reported elsewhere.
    }
  }

  private async connect(): Promise<PostgresPoolClient> {
    const from = this.scope.getStore();
    const taken = from === undefined ? null : await this.take(from);
    return taken ? this.withPrimary(taken.client) : this.primary.connect();
  }

  /** A connection whose state is not older than `from`, or null. */
  private async take(from: number): Promise<{ client: pg.PoolClient; asOf: number } | null> {
    if (performance.now() < this.againAt) return null;
    const taking = this.ask();
    try {
      const { client, asOf } = await withDeadline('The standby', ANSWER_MS, taking);
      if (asOf !== null) this.outage.worked();
      if (asOf !== null && asOf >= from) return { client, asOf };
      client.release();
      return null;
    } catch (error) {
      taking.then(
        ({ client }) => client.release(true),
        () => undefined,
      );
      this.tellDown(error);
      return null;
    }
  }

  private async ask(): Promise<{ client: pg.PoolClient; asOf: number | null }> {
    this.identity ??= this.identify();
    const identity = await this.identity;
    const client = await this.standby.connect();
    try {
      const { rows } = await client.query<{ lsn: string | null; identity: string }>(
        `select pg_last_wal_replay_lsn()::text as lsn, ${IDENTITY} as identity where pg_is_in_recovery()`,
      );
      const [found] = rows;
      if (found?.identity !== identity || found.lsn === null)
        throw new Error(`${this.place} is not a standby of DATABASE_URL`);
      return { client, asOf: this.reached(toPosition(found.lsn)) };
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  private async identify(): Promise<string> {
    try {
      const { rows } = await this.primary.query<{ identity: string }>(`select ${IDENTITY} as identity`);
      return rows[0]!.identity;
    } catch (error) {
      this.identity = undefined;
      throw error;
    }
  }

  /** The time of the last mark that the standby has passed; null if it is too far behind. */
  private reached(position: bigint): number | null {
    const now = performance.now();
    this.marks = this.marks.filter(({ madeAt }) => now - madeAt < MOST_BEHIND_MS);
    const mark = this.marks.findLast(({ lsn }) => lsn <= position);
    if (mark) return mark.at;
    // Before there are enough marks, the standby may be only a little behind.
    const [oldest] = this.marks;
    if (oldest && now - oldest.madeAt > MOST_BEHIND_MS - 2 * MARK_MS)
      this.tellDown(`it is more than ${MOST_BEHIND_MS / 1_000} s behind`);
    return null;
  }

  /**
   * A statement that fails because of the standby (a conflict with the replay, a lost connection, a table that the
   * replay has not made yet) runs on the primary.
   */
  private withPrimary(client: pg.PoolClient): PostgresPoolClient {
    let failed = false;
    const query = async <R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>> => {
      try {
        return (await client.query(text, [...values])) as unknown as PostgresQueryResult<R>;
      } catch (error) {
        // A statement that took too long would do so on the primary.
        const isOwn = hasSqlState(error, SQL_STATE.queryCanceled);
        if (isOwn || !(isUnavailable(error) || hasSqlState(error, SQL_CLASS.syntaxOrAccess))) throw error;
        failed = true;
        if (!hasSqlState(error, SQL_STATE.serializationFailure)) this.tellDown(error);
        return (await this.primary.query(text, [...values])) as unknown as PostgresQueryResult<R>;
      }
    };
    return { query: query as PostgresPoolClient['query'], release: () => client.release(failed) };
  }

  private tellDown(why: unknown): void {
    this.againAt = performance.now() + AGAIN_MS;
    this.outage.failed(why);
  }
}

/** The same for a primary and its standbys, and different for every other database. */
const IDENTITY = `(select concat_ws('-', system_identifier, d.oid) from pg_control_system(), pg_database d
  where datname = current_database())`;

/** Bytes of a page of the log, and the most bytes of its head. */
const PAGE = 8_192n;
const HEAD = 40n;

/**
 * "16/B374D848" as a number of bytes (postgresql.org/docs/current/datatype-pg-lsn.html). A position just behind the
 * head of a page is moved to the end of the page before: no record ends between both, and the primary names one of
 * them, its standby the other.
 */
export function toPosition(lsn: string): bigint {
  const [high = '', low = ''] = lsn.split('/');
  const position = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
  return position % PAGE <= HEAD ? position - (position % PAGE) : position;
}
