import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '../../database/database.js';
import { DATABASE } from '../../database/database.module.js';
import { inTransaction } from '../../database/transaction.js';
import { planNextIfValid } from './campaign.rules.js';
import { ReplanRepository } from './replan.repository.js';

/** Campaigns of one transaction. */
const LIMIT = 200;

/** Plans campaigns again that were planned while the clock was ahead. */
@Injectable()
export class ReplanService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly plans: ReplanRepository,
  ) {}

  /** Returns the ids of the campaigns that were planned again. `now`: epoch ms. */
  async replan(now: number): Promise<string[]> {
    while (await this.plans.removeRunsToCome(now));
    await this.plans.skipFarWaves(now);
    const ids: string[] = [];
    for (let after = 0; ;) {
      const step = await this.replanSome(now, after);
      ids.push(...step.ids);
      if (step.last === null) return ids;
      after = step.last;
    }
  }

  private replanSome(now: number, after: number): Promise<{ ids: string[]; last: number | null }> {
    return inTransaction(this.database, async (tx) => {
      const ids: string[] = [];
      const campaigns = await this.plans.claimPlanned(now, after, LIMIT, tx);
      for (const { seq, id, definition, nextAt } of campaigns) {
        const next = planNextIfValid(definition, id, now);
        if (!next || next.nextAt === nextAt) continue;
        await this.plans.setNext(seq, next, now, tx);
        ids.push(id);
      }
      return { ids, last: campaigns.at(-1)?.seq ?? null };
    });
  }
}
