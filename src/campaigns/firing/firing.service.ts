import { Inject, Injectable } from '@nestjs/common';
import { rootCause } from '../../common/errors.js';
import type { Database } from '../../database/database.js';
import { DATABASE } from '../../database/database.module.js';
import { inTransaction } from '../../database/transaction.js';
import type { Tx } from '../../database/transaction.js';
import { ApiError, notFound } from '../../common/errors.js';
import { CampaignApproval } from '../campaign-approval.js';
import { runOverlap } from '../campaign.js';
import { AWAITS, OVERTAKEN } from '../reason.js';
import type { Definition } from '../campaign.js';
import { planManual, planOrPause } from './campaign.rules.js';
import { FiringRepository } from './firing.repository.js';
import type { Approvable, CampaignUpdate, ClaimedCampaign, NewRun, RunKey } from './firing.repository.js';
import { OverlapRepository } from './overlap.repository.js';
import { isRefused } from './refused.js';
import { WaveService } from './wave.service.js';
import type { Round } from './wave.service.js';

/** Campaigns per transaction: about 50 ms. */
const LIMIT = 100;

export interface ManualRun {
  messageSeqs: number[];
  /** Null: a run exists under the same key, or of the same millisecond. */
  runSeq: number | null;
  /** An earlier run has not ended. */
  busy: boolean;
}

/**
 * Fires campaigns. A run is a row with a unique key, and its messages are accepted in the transaction that inserts it.
 * The campaign is locked meanwhile, and other processes skip it. So each firing happens once, for any number of
 * processes, clocks and crashes.
 */
@Injectable()
export class FiringService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly firings: FiringRepository,
    private readonly overlaps: OverlapRepository,
    private readonly waves: WaveService,
    private readonly approval: CampaignApproval,
  ) {}

  /** Fires some of the campaigns that are due. */
  async fireDue(now: number): Promise<Round> {
    try {
      return await inTransaction(this.database, async (tx) => {
        const due = await this.firings.claimDue(now, LIMIT, tx);
        return { messageSeqs: await this.fire(due, now, tx), more: due.length === LIMIT };
      });
    } catch (error) {
      if (!isRefused(error)) throw error;
      return this.fireEach(now);
    }
  }

  /**
   * Fires a campaign now, independent of its schedule and overlap rule. Throws CARIL0409E if the campaign needs an
   * approval that it does not have.
   */
  fireNow({ seq, id }: { seq: number; id: string }, now: number, key: RunKey | null = null): Promise<ManualRun> {
    return inTransaction(this.database, async (tx) => {
      const held = await this.firings.hold(seq, tx);
      if (!held) throw notFound('campaign', 'campaignId');
      const { applicationId } = held;
      const campaign = { seq, id, applicationId, definition: await this.approved(applicationId, held, tx) };
      const run = { scheduledAt: now, skipped: null, waves: planManual(campaign, now) };
      const busy = await this.overlaps.findBusy([campaign.seq], tx);
      const runSeqs = await this.firings.insertRuns([{ campaign, run }], now, tx, { key });
      const messageSeqs = await this.waves.sendOfRuns(runSeqs, now, tx);
      return { messageSeqs, runSeq: runSeqs[0] ?? null, busy: busy.size > 0 };
    });
  }

  /** One transaction per campaign: a campaign that the database refuses is paused with the reason, the others fire. */
  private async fireEach(now: number): Promise<Round> {
    const messageSeqs: number[] = [];
    for (const seq of await this.firings.listDue(now, LIMIT))
      try {
        const made = inTransaction(this.database, async (tx) =>
          this.fire(await this.firings.claimDue(now, 1, tx, seq), now, tx),
        );
        messageSeqs.push(...(await made));
      } catch (error) {
        if (!isRefused(error)) throw error;
        await this.pause(seq, rootCause(error), now);
      }
    return { messageSeqs, more: false };
  }

  private pause(seq: number, reason: string, now: number): Promise<void> {
    return inTransaction(this.database, async (tx) => {
      const due = await this.firings.claimDue(now, 1, tx, seq);
      await this.firings.moveOn(
        due.map((campaign) => ({ seq: campaign.seq, next: null, pause: reason })),
        now,
        tx,
      );
    });
  }

  /** The definition with the saved audience in its place. Throws CARIL0409E if it is not approved. */
  private async approved(applicationId: string, campaign: Approvable, tx: Tx): Promise<Definition> {
    if (campaign.approvalAbove === null) return campaign.definition;
    const { definition, mustWait } = await this.approval.review(applicationId, campaign, campaign.approvalAbove, tx);
    if (mustWait)
      throw new ApiError('CARIL0409E', `The campaign needs approval: ${AWAITS}. Activate it, and let it be approved.`);
    return definition;
  }

  /** The campaigns that may fire, with saved audiences in their places; the others wait for approval from now on. */
  private async withoutWaiting(claimed: readonly ClaimedCampaign[], now: number, tx: Tx): Promise<ClaimedCampaign[]> {
    const firing: ClaimedCampaign[] = [];
    const waiting: CampaignUpdate[] = [];
    for (const campaign of claimed) {
      const { seq, applicationId, approvalAbove } = campaign;
      if (approvalAbove === null) firing.push(campaign);
      else {
        const { definition, mustWait } = await this.approval.review(applicationId, campaign, approvalAbove, tx);
        if (mustWait) waiting.push({ seq, next: null, pause: null, awaits: AWAITS });
        else firing.push({ ...campaign, definition });
      }
    }
    if (waiting.length > 0) await this.firings.moveOn(waiting, now, tx);
    return firing;
  }

  private async fire(claimed: readonly ClaimedCampaign[], now: number, tx: Tx): Promise<number[]> {
    const due = await this.withoutWaiting(claimed, now, tx);
    if (due.length === 0) return [];
    const careful = due.filter(({ definition }) => runOverlap(definition) !== 'allow');
    const busy = await this.overlaps.findBusy(seqsOf(careful), tx);
    const watched = due.filter(({ definition }) => definition.policies?.pauseAtFailureShare !== undefined);
    const shares = await this.firings.findFailureShares(seqsOf(watched), tx);
    const runs: NewRun[] = [];
    const updates: CampaignUpdate[] = [];
    for (const campaign of due) {
      const state = { busy: busy.has(campaign.seq), failureShare: shares.get(campaign.seq) ?? null };
      const planned = planOrPause({ ...campaign, ...state }, now);
      if (planned.cancelEarlier && state.busy) await this.overlaps.cancelRuns(campaign.seq, OVERTAKEN, tx);
      runs.push(...planned.runs.map((run) => ({ campaign, run })));
      updates.push({ seq: campaign.seq, ...planned });
    }
    const runSeqs = await this.firings.insertRuns(runs, now, tx);
    await this.firings.moveOn(updates, now, tx);
    return this.waves.sendOfRuns(runSeqs, now, tx);
  }
}

function seqsOf(campaigns: readonly { seq: number }[]): number[] {
  return campaigns.map(({ seq }) => seq);
}
