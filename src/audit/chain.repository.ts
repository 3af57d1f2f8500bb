import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ITSELF, recordAudit, toEvent } from '../auth/audit.repository.js';
import type { AuditEvent } from '../auth/audit.repository.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';
import { chainHash } from './chain-hash.js';

/** Events of one step: a transaction of about 20 ms. */
const STEP = 500;

export interface Chain {
  /** The last event of the chain; 0: the chain is empty. */
  seq: number;
  hash: Buffer;
  /** The last event that was removed by its age. */
  foldedSeq: number;
  foldedHash: Buffer;
}

/** An event with its place in the chain. */
export type ChainedEvent = AuditEvent & { seq: number; hash: Buffer };

/**
 * Writes the chain: one process at a time numbers the events that were committed since, so that acts do not wait for
 * each other.
 */
@Injectable()
export class ChainRepository {
  constructor(@Inject(DATABASE) private readonly database: Pick<Database, 'kysely'>) {}

  /** One step; false if no event waits, or another process is at it. */
  async chainSome(): Promise<boolean> {
    const { kysely } = this.database;
    const waiting = await kysely.selectFrom('audit_event').select('id').where('seq', 'is', null).limit(1).execute();
    if (waiting.length === 0) return false;
    return inTransaction(this.database, async (tx) => {
      const chain = await hold(tx);
      if (!chain) return false;
      const rows = await tx
        .selectFrom('audit_event')
        .selectAll()
        .where('seq', 'is', null)
        .orderBy('id')
        .limit(STEP)
        .execute();
      let { seq, hash } = chain;
      const links = rows.map((row) => {
        hash = chainHash(hash, toEvent(row), ++seq);
        return { id: row.id, seq, hash: hash.toString('hex') };
      });
      await sql`update audit_event set seq = link.seq, hash = decode(link.hash, 'hex')
        from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as link (id bigint, seq bigint, hash text)
        where audit_event.id = link.id`.execute(tx);
      await tx.updateTable('audit_chain').set({ seq, hash }).execute();
      return rows.length === STEP;
    });
  }

  /**
   * Removes events that are older, and that the receiver has if there is one, from the beginning of the chain, and
   * records that. Returns false if no more are to go. Throws if the beginning is not as it was chained: evidence is
   * not removed.
   */
  fold(before: Date): Promise<boolean> {
    return inTransaction(this.database, async (tx) => {
      const chain = await hold(tx);
      if (!chain) return false;
      const events = await readChained(tx, chain.foldedSeq, STEP);
      const outbox = await tx.selectFrom('audit_outbox').select(['receiver', 'sent_seq']).executeTakeFirstOrThrow();
      const isUnsent = ({ seq }: ChainedEvent) => outbox.receiver !== null && seq > outbox.sent_seq;
      const young = events.findIndex((event) => event.at >= before || isUnsent(event));
      const old = young < 0 ? events : events.slice(0, young);
      const last = old.at(-1);
      if (!last) return false;
      let { foldedSeq: seq, foldedHash: hash } = chain;
      for (const event of old) {
        hash = chainHash(hash, event, ++seq);
        if (event.seq !== seq || !hash.equals(event.hash))
          throw new Error(`event ${seq} is not as it was chained: run the command audit verify`);
      }
      await tx.deleteFrom('audit_event').where('seq', '<=', seq).execute();
      await tx.updateTable('audit_chain').set({ folded_seq: seq, folded_hash: hash }).execute();
      const detail = { from: chain.foldedSeq + 1, to: seq, hash: hash.toString('hex') };
      await recordAudit(tx, ITSELF, { action: 'audit.fold', subject: '', detail });
      return old.length === STEP;
    });
  }

  /** The chain and its events at one moment, in steps. */
  read<T>(
    work: (chain: Chain, steps: AsyncGenerator<ChainedEvent[]>, waiting: AuditEvent[]) => Promise<T>,
  ): Promise<T> {
    return this.database.kysely
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (tx) => {
        const row = await tx.selectFrom('audit_chain').selectAll().executeTakeFirstOrThrow();
        const waiting = await tx.selectFrom('audit_event').selectAll().where('seq', 'is', null).orderBy('id').execute();
        return work(toChain(row), steps(tx), waiting.map(toEvent));
      });
  }
}

async function hold(tx: Tx): Promise<Chain | undefined> {
  const row = await tx.selectFrom('audit_chain').selectAll().forUpdate().skipLocked().executeTakeFirst();
  return row && toChain(row);
}

async function* steps(tx: Tx): AsyncGenerator<ChainedEvent[]> {
  for (let after = -Number.MAX_SAFE_INTEGER; ;) {
    const events = await readChained(tx, after, STEP);
    if (events.length > 0) yield events;
    if (events.length < STEP) return;
    after = events.at(-1)!.seq;
  }
}

async function readChained(tx: Tx, after: number, limit: number): Promise<ChainedEvent[]> {
  const rows = await tx
    .selectFrom('audit_event')
    .selectAll()
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .execute();
  // A hash that was removed by hand is a wrong one.
  return rows.map((row) => ({ ...toEvent(row), seq: row.seq ?? 0, hash: row.hash ?? Buffer.alloc(0) }));
}

function toChain(row: { seq: number; hash: Buffer; folded_seq: number; folded_hash: Buffer }): Chain {
  return { seq: row.seq, hash: row.hash, foldedSeq: row.folded_seq, foldedHash: row.folded_hash };
}
