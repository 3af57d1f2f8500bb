import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Tx } from '../../database/transaction.js';
import { inTransaction } from '../../database/transaction.js';
import type { Definition } from '../campaign.js';
import type { NextFiring } from './firing.js';

const RUNS = 1_000;
/** A wave waits for its zones (26 hours), for the end of quiet hours (24) and for the jitter (1). */
const LONGEST_WAVE_H = 51;
const AHEAD = 'the clock was ahead when it was planned';

/** A campaign that waits for its next firing. */
export interface PlannedCampaign {
  seq: number;
  id: string;
  definition: Definition;
  /** Epoch ms; null: finished. */
  nextAt: number | null;
}

/** Corrects what was planned, fired and finished while the clock was ahead. Times are epoch ms. */
@Injectable()
export class ReplanRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Locks campaigns above a seq, in order, that wait for a later moment or were finished at a later moment. */
  async claimPlanned(now: number, after: number, limit: number, tx: Tx): Promise<PlannedCampaign[]> {
    const at = new Date(now);
    const { rows } = await sql<Omit<PlannedCampaign, 'nextAt'> & { next_at: Date | null }>`
      select seq, id, definition, next_at from campaign
      where seq > ${after} and ((state = 'active' and next_at > ${at}) or (state = 'finished' and updated_at > ${at}))
      order by seq limit ${limit} for update skip locked`.execute(tx);
    return rows.map(({ next_at: nextAt, ...row }) => ({ ...row, nextAt: nextAt?.getTime() ?? null }));
  }

  async setNext(seq: number, { nextAt, dueAt }: NextFiring, now: number, tx: Tx): Promise<void> {
    await sql`
      update campaign set state = 'active', next_at = ${new Date(nextAt)}, due_at = ${new Date(dueAt)},
        updated_at = least(updated_at, ${new Date(now)})
      where seq = ${seq}`.execute(tx);
  }

  /**
   * Deletes some runs of later moments of which nothing was sent; they are made again when they are due. False: none is
   * left.
   */
  async removeRunsToCome(now: number): Promise<boolean> {
    const { rows } = await sql`
      delete from campaign_run where seq = any (array(
        select seq from campaign_run run where scheduled_at > ${new Date(now)} and not manual and not exists (
          select from campaign_wave wave where wave.run_seq = run.seq and wave.state = 'sent')
        limit ${RUNS} for update skip locked))
      returning seq`.execute(this.database.kysely);
    return rows.length > 0;
  }

  /** Skips waves that would wait for decades: their runs would never end, and would block later runs. */
  async skipFarWaves(now: number): Promise<void> {
    await inTransaction(this.database, async (transaction) => {
      const { rows } = await sql<{ run_seq: number }>`
        update campaign_wave set state = 'skipped', reason = ${AHEAD}
        where state = 'waiting' and due_at > ${new Date(now)}::timestamptz + ${LONGEST_WAVE_H} * interval '1 hour'
        returning run_seq`.execute(transaction);
      await sql`
        update campaign_run set definition = null, state = 'sent', reason = ${AHEAD}
        where seq = any(${bigints([...new Set(rows.map((row) => row.run_seq))])}) and state = 'running' and not exists (
          select from campaign_wave wave where wave.run_seq = campaign_run.seq and wave.state = 'waiting')
        `.execute(transaction);
    });
  }
}
