import { Inject, Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { bigints } from '../../database/bigints.js';
import { DATABASE } from '../../database/database.module.js';
import type { Database } from '../../database/database.js';
import type { Definition } from '../campaign.js';
import type { NextFiring } from './firing.js';

/** Campaigns of one transaction. */
const CAMPAIGNS = 200;
const RUNS = 1_000;
/** A wave waits for its zones (26 hours), for the end of quiet hours (24) and for the jitter (1). */
const LONGEST_WAVE_H = 51;
const AHEAD = 'the clock was ahead when it was planned';

/** Answers the first firing after now; undefined: the definition cannot be read any more. */
export type Replanner = (definition: Definition, id: string) => NextFiring | null | undefined;

interface Row {
  seq: number;
  id: string;
  definition: Definition;
  next_at: Date | null;
}

/** Puts right what was planned, fired and finished while the clock was ahead. */
@Injectable()
export class ReplanRepository {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Answers the ids of the campaigns that were planned anew. `now`: epoch ms. */
  async replan(now: number, plan: Replanner): Promise<string[]> {
    while (await this.removeRunsToCome(now));
    await this.skipFarWaves(now);
    const ids: string[] = [];
    for (let after = 0; ;) {
      const step = await this.replanSome(now, after, plan);
      ids.push(...step.ids);
      if (step.last === null) return ids;
      after = step.last;
    }
  }

  /** One step over campaigns that wait for a moment to come, and those that are to finish only in days to come. */
  private replanSome(now: number, after: number, plan: Replanner): Promise<{ ids: string[]; last: number | null }> {
    return this.database.kysely.transaction().execute(async (transaction) => {
      const at = new Date(now);
      const { rows } = await sql<Row>`
        select seq, id, definition, next_at from campaign
        where seq > ${after} and ((state = 'active' and next_at > ${at}) or (state = 'finished' and updated_at > ${at}))
        order by seq limit ${CAMPAIGNS} for update skip locked`.execute(transaction);
      const changes = rows.flatMap(({ seq, id, definition, next_at: old }) => {
        const next = plan(definition, id);
        return !next || next.nextAt === old?.getTime() ? [] : [{ seq, id, ...next }];
      });
      for (const { seq, nextAt, dueAt } of changes)
        await sql`
          update campaign set state = 'active', next_at = ${new Date(nextAt)}, due_at = ${new Date(dueAt)},
            updated_at = least(updated_at, ${at})
          where seq = ${seq}`.execute(transaction);
      return { ids: changes.map(({ id }) => id), last: rows.at(-1)?.seq ?? null };
    });
  }

  /** One step over runs of moments to come of which nothing was sent: they are made when their time has come. */
  private async removeRunsToCome(now: number): Promise<boolean> {
    const { rows } = await sql`
      delete from campaign_run where seq in (
        select seq from campaign_run run where scheduled_at > ${new Date(now)} and not manual and not exists (
          select from campaign_wave wave where wave.run_seq = run.seq and wave.state = 'sent')
        limit ${RUNS} for update skip locked)
      returning seq`.execute(this.database.kysely);
    return rows.length > 0;
  }

  /** Of a run that has begun, the waves that would wait for decades: it would never end, nor let another begin. */
  private async skipFarWaves(now: number): Promise<void> {
    await this.database.kysely.transaction().execute(async (transaction) => {
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
