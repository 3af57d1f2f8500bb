import pg from 'pg';

/** Messages per statement. */
const LOT = 10_000;
const DAY_S = 86_400;

/** The states of a message and its batch, one after the other. */
const LIFE = [
  `update message set state = 'accepted', finished_at = null where seq > $1`,
  `update batch set state = 'ready', due_at = now(), lease_until = null where message_seq > $1`,
  `update batch set state = 'leased', due_at = null, lease_until = now() where message_seq > $1`,
  `update batch set state = 'done', lease_until = null where message_seq > $1`,
  `update message set state = 'finished', finished_at = now() where seq > $1`,
];

/** Rows of the product's own, copied with SQL: messages that ended some days ago. */
export class Rows {
  private constructor(
    private readonly client: pg.Client,
    /** Columns to copy, and the same with the changes of a copy. */
    private readonly columns: { message: Copied; batch: Copied },
  ) {}

  static async open(databaseUrl: string): Promise<Rows> {
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    // No triggers and no checks of foreign keys: the copies are as whole as the originals.
    await client.query(`set session_replication_role = replica`);
    const read = async (table: string, changes: Record<string, string>): Promise<Copied> => {
      const { rows } = await client.query<{ name: string }>(
        `select column_name as name from information_schema.columns
         where table_name = $1 and is_identity = 'NO' and is_generated = 'NEVER' order by ordinal_position`,
        [table],
      );
      const names = rows.map(({ name }) => name);
      return { names: names.join(), values: names.map((name) => changes[name] ?? `origin.${name}`).join() };
    };
    const columns = {
      message: await read('message', {
        id: `'copy-' || $4 || '-' || n`,
        idempotency_key: 'null',
        accepted_at: `now() - make_interval(secs => $3 + n / 100.0)`,
        finished_at: `now() - make_interval(secs => $3 + n / 100.0)`,
      }),
      batch: await read('batch', { message_seq: 'made.seq' }),
    };
    return new Rows(client, columns);
  }

  /** Copies of a message that ended before `days`, with its batches. */
  async add(messageId: string, copies: number, days: number, label: string): Promise<void> {
    const { message, batch } = this.columns;
    for (let from = 0; from < copies; from += LOT)
      await this.client.query(
        `with origin as (select * from message where id = $1),
           made as (insert into message (${message.names})
             select ${message.values} from origin, generate_series($5::int, $2::int) as n returning seq),
           batches as (select batch.* from batch join origin on origin.seq = batch.message_seq)
         insert into batch (${batch.names}) select ${batch.values} from made, batches as origin`,
        [messageId, Math.min(copies, from + LOT) - 1, days * DAY_S, label, from],
      );
  }

  /**
   * The rows of single messages as they change during delivery: accepted and ready, leased, finished and done. Without
   * autovacuum, so that all dead rows stay.
   */
  async live(messageId: string, count: number): Promise<void> {
    for (const table of ['message', 'batch'])
      await this.client.query(`alter table ${table} set (autovacuum_enabled = false)`);
    for (let from = 0; from < count; from += LOT) {
      const { rows } = await this.client.query<{ last: string }>('select coalesce(max(seq), 0) as last from message');
      await this.add(messageId, Math.min(LOT, count - from), 0, `live-${from}`);
      for (const step of LIFE) await this.client.query(step, [rows[0]?.last]);
    }
  }

  /** Repeats the batches of a message until it has `times` as many deliveries. */
  async widen(messageId: string, times: number): Promise<void> {
    const { names } = this.columns.batch;
    await this.client.query(
      `insert into batch (${names}) select ${names} from batch, generate_series(2, $2::int)
       where message_seq = (select seq from message where id = $1)`,
      [messageId, times],
    );
    await this.client.query(
      `update message set audience = audience * $2::int,
         totals = array(select count * $2::int from unnest(totals) with ordinality as each(count, place) order by place)
       where id = $1`,
      [messageId, times],
    );
  }

  /** Events of the audit, of a thousand clients. */
  async audit(events: number): Promise<void> {
    await this.client.query(
      `insert into audit_event (at, client_id, action, subject, address, detail)
       select now() - n * interval '1 minute', 'client-' || n % 1000, 'tag.create', 'com.example.app', '192.0.2.1', '{}'
       from generate_series($1::int, 1, -1) as n`,
      [events],
    );
  }

  async vacuum(): Promise<void> {
    await this.client.query('vacuum (analyze) message, batch');
  }

  /** Sizes of both tables with their indexes. */
  async size(): Promise<string> {
    const { rows } = await this.client.query<{ size: string }>(
      `select string_agg(format('%s %s, its indexes %s', name, pg_size_pretty(pg_table_size(name)),
         pg_size_pretty(pg_indexes_size(name))), '; ') as size
       from unnest(array['message', 'batch']::regclass[]) as name`,
    );
    return rows[0]?.size ?? '';
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}

interface Copied {
  names: string;
  values: string;
}
