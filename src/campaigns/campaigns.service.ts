import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { recordAudit } from '../auth/audit.repository.js';
import type { Actor } from '../auth/audit.repository.js';
import { ApiError, invalidValue, notFound } from '../common/errors.js';
import { checkRevision, revisionOf } from '../common/revision.js';
import type { Database } from '../database/database.js';
import { DATABASE } from '../database/database.module.js';
import { inTransaction } from '../database/transaction.js';
import type { Tx } from '../database/transaction.js';
import { Quotas } from '../limits/quotas.js';
import { MessageControlService } from '../messages/control/message-control.service.js';
import type { Warning } from '../messages/request/warning.js';
import { checkSameRequest } from '../messages/send/idempotency.js';
import type { Idempotency } from '../messages/send/idempotency.js';
import { newMessageId } from '../messages/send/message-id.js';
import type { Definition } from './campaign.js';
import type { CampaignDto } from './campaign.dto.js';
import { refusing } from './campaign-definition.js';
import { CampaignApproval } from './campaign-approval.js';
import { CampaignCheck } from './campaign-check.js';
import { CampaignRepository } from './campaign.repository.js';
import type { Campaign, CampaignChange } from './campaign.repository.js';
import { planNext } from './firing/firing.js';
import type { MovingMessage } from './firing/overlap.repository.js';
import { checkFires, readSchedule } from './schedule/schedule.js';
import { SharedClock } from './firing/shared-clock.repository.js';

export interface MadeCampaign {
  campaign: Campaign;
  warnings: Warning[];
  /** True: repeats the answer to an earlier request with the same Idempotency-Key; the campaign is as it is now. */
  replayed: boolean;
}

/**
 * Creates and changes campaigns. Every method throws FPWSE0001E if the application or the campaign does not
 * exist.
 */
@Injectable()
export class CampaignsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly applications: ApplicationsService,
    private readonly campaigns: CampaignRepository,
    private readonly definitions: CampaignCheck,
    private readonly control: MessageControlService,
    private readonly approval: CampaignApproval,
    private readonly clock: SharedClock,
    private readonly quotas: Quotas,
  ) {}

  /** Creates a draft: nothing is sent before it is activated. */
  createCampaign(
    author: { applicationId: string; clientId: string; strict: boolean },
    body: CampaignDto,
    idempotency: Idempotency | null,
  ): Promise<MadeCampaign> {
    return this.make(author, idempotency, () => this.definitions.check(author.applicationId, body, author.strict));
  }

  async listCampaigns(
    applicationId: string,
    { after, limit, clientId }: { after?: string; limit: number; clientId?: string },
  ): Promise<Campaign[]> {
    await this.applications.getApplication(applicationId);
    const last = after === undefined ? { seq: 0 } : await this.campaigns.find(applicationId, after);
    if (!last) throw invalidValue('after', 'no campaign has this id (any more)');
    return this.campaigns.list(applicationId, { after: last.seq, limit, clientId });
  }

  async readCampaign(applicationId: string, id: string): Promise<Campaign> {
    await this.applications.getApplication(applicationId);
    const campaign = await this.campaigns.find(applicationId, id);
    if (!campaign) throw notFound('campaign', 'campaignId');
    return campaign;
  }

  /**
   * An active campaign continues with its new schedule from now. A firing that is already due stays if the schedule is
   * the same. A change of what was approved makes the campaign wait again. Throws CARIL0412E if the campaign is of
   * another revision.
   */
  async replaceCampaign(
    { applicationId, clientId, strict }: { applicationId: string; clientId: string; strict: boolean },
    id: string,
    body: CampaignDto,
    revisions: readonly string[] | undefined,
  ): Promise<{ before: Definition; campaign: Campaign; warnings: Warning[] }> {
    let { definition: before } = await this.readCampaign(applicationId, id);
    const { definition, warnings } = await this.definitions.check(applicationId, body, strict);
    const now = await this.clock.now();
    const { approvalAbove } = await this.applications.getApplication(applicationId);
    const campaign = await this.change(applicationId, id, now, async (old, tx) => {
      checkRevision(revisions, definitionRevision(old));
      before = old.definition;
      const changed = { definition, authors: [...new Set([...old.authors, clientId])] };
      if (old.state !== 'active' && old.state !== 'awaitingApproval') return changed;
      const { approvedRevision } = old;
      const { mustWait } = await this.approval.review(
        applicationId,
        { definition, approvedRevision },
        approvalAbove,
        tx,
      );
      if (mustWait) return { ...changed, state: 'awaitingApproval', next: null };
      const same = JSON.stringify(sorted(old.definition.schedule)) === JSON.stringify(sorted(definition.schedule));
      if (old.state === 'active' && same) return changed;
      refusing(() => checkFires(readSchedule(definition.schedule), now));
      return { ...changed, state: 'active', next: planNext(definition, id, now) };
    });
    return { before, campaign, warnings };
  }

  /**
   * The messages stay. Returns the unfinished ones: they continue, or with `cancel` nothing more of them is sent when
   * this returns. Throws CARIL0412E if the campaign is of another revision.
   */
  async removeCampaign(
    applicationId: string,
    id: string,
    how: { cancel: boolean },
    revisions: readonly string[] | undefined,
  ): Promise<MovingMessage[]> {
    await this.applications.getApplication(applicationId);
    const check = (campaign: Campaign): void => checkRevision(revisions, definitionRevision(campaign));
    const moving = await this.campaigns.remove(applicationId, id, how, check);
    if (!moving) throw notFound('campaign', 'campaignId');
    // The rows are cancelled already; this waits for the workers. Errors are ignored: a message may have ended
    // meanwhile.
    if (how.cancel) await Promise.allSettled(moving.map(({ id: of }) => this.control.cancelMessage(applicationId, of)));
    return moving;
  }

  async activateCampaign(applicationId: string, id: string): Promise<Campaign> {
    await this.applications.getApplication(applicationId);
    return this.start(applicationId, id, await this.clock.now());
  }

  /** Firings during the pause are not repeated. Throws CARIL0409E if the campaign is a draft or has finished. */
  async resumeCampaign(applicationId: string, id: string): Promise<Campaign> {
    const { state } = await this.readCampaign(applicationId, id);
    if (state === 'draft' || state === 'finished') throw wrongState(state, 'resume');
    return this.start(applicationId, id, await this.clock.now());
  }

  /** Throws CARIL0409E if the campaign is a draft or has finished. */
  async pauseCampaign(applicationId: string, id: string): Promise<Campaign> {
    await this.applications.getApplication(applicationId);
    return this.change(applicationId, id, await this.clock.now(), ({ state }) => {
      if (state === 'draft' || state === 'finished') throw wrongState(state, 'pause');
      return state === 'paused' ? {} : { state: 'paused', next: null };
    });
  }

  /** Names the campaign with its saved audience, for an approval. */
  async reviewRevision(applicationId: string, campaign: Campaign): Promise<string> {
    return (await this.approval.review(applicationId, campaign, null)).revision;
  }

  /**
   * Lets a campaign go that waits for approval, as it was when the caller read this revision. Throws CARIL0403E if the
   * caller made or changed the campaign or its saved audience, CARIL0412E if the campaign was changed meanwhile.
   */
  async approveCampaign(actor: Actor, applicationId: string, id: string, revision: string): Promise<Campaign> {
    await this.applications.getApplication(applicationId);
    const now = await this.clock.now();
    return this.change(applicationId, id, now, async (campaign, tx) => {
      const { state, definition, authors } = campaign;
      if (state !== 'awaitingApproval') throw wrongState(state, 'approve');
      const reviewed = await this.approval.review(applicationId, campaign, null, tx);
      checkRevision([revision], reviewed.revision);
      if (authors.includes(actor.clientId) || reviewed.audienceBy === actor.clientId)
        throw new ApiError(
          'CARIL0403E',
          'The campaign or its audience was made or changed by this client or person: another one has to approve it.',
        );
      refusing(() => checkFires(readSchedule(definition.schedule), now));
      const detail = { campaignId: id, revision, authors };
      await recordAudit(tx, actor, { action: 'campaign.approve', subject: applicationId, detail });
      return {
        state: 'active',
        next: planNext(definition, id, now),
        approved: { revision, by: actor.clientId },
      };
    });
  }

  duplicateCampaign(
    author: { applicationId: string; clientId: string },
    id: string,
    name: string | undefined,
    idempotency: Idempotency | null,
  ): Promise<MadeCampaign> {
    return this.make(author, idempotency, async () => {
      const { definition } = await this.readCampaign(author.applicationId, id);
      return { definition: { ...definition, name: name ?? `${definition.name} (copy)` }, warnings: [] };
    });
  }

  /**
   * Makes one campaign under one key. Throws CARIL0409E if the application has the maximum number of campaigns,
   * FPWSE0002E if the key was used for another request.
   */
  private async make(
    { applicationId, clientId }: { applicationId: string; clientId: string },
    idempotency: Idempotency | null,
    define: () => Promise<{ definition: Definition; warnings: Warning[] }>,
  ): Promise<MadeCampaign> {
    await this.applications.getApplication(applicationId);
    const earlier = await this.findMade(applicationId, clientId, idempotency);
    if (earlier) return earlier;
    const { definition, warnings } = await define();
    await this.quotas.take('campaigns', applicationId, 1, () => this.campaigns.count(applicationId));
    const now = new Date(await this.clock.now());
    for (;;) {
      const id = newMessageId();
      const campaign = await this.campaigns.add({ applicationId, id, clientId, definition, idempotency }, now);
      if (campaign) return { campaign, warnings, replayed: false };
      // Either the same key came in a concurrent request, whose answer is repeated, or (rarely) the id is taken.
      const first = await this.findMade(applicationId, clientId, idempotency);
      if (first) return first;
    }
  }

  private async findMade(
    applicationId: string,
    clientId: string,
    idempotency: Idempotency | null,
  ): Promise<MadeCampaign | null> {
    const made = idempotency && (await this.campaigns.findByKey(applicationId, clientId, idempotency.key));
    if (!idempotency || !made) return null;
    checkSameRequest(made, idempotency.requestHash);
    return { campaign: made.campaign, warnings: [], replayed: true };
  }

  /** Active from now on, or after an approval. Throws FPWSE0005E if the schedule would never fire. */
  private async start(applicationId: string, id: string, now: number): Promise<Campaign> {
    const { approvalAbove } = await this.applications.getApplication(applicationId);
    return this.change(applicationId, id, now, async (campaign, tx) => {
      const { state, definition } = campaign;
      if (state === 'active') return {};
      refusing(() => checkFires(readSchedule(definition.schedule), now));
      const { mustWait } = await this.approval.review(applicationId, campaign, approvalAbove, tx);
      if (mustWait) return { state: 'awaitingApproval', next: null };
      return { state: 'active', next: planNext(definition, id, now) };
    });
  }

  /** Applies the change that `decide` returns for the campaign as it is; no firing comes in between. */
  private change(
    applicationId: string,
    id: string,
    now: number,
    decide: (campaign: Campaign, tx: Tx) => CampaignChange | Promise<CampaignChange>,
  ): Promise<Campaign> {
    return inTransaction(this.database, async (tx) => {
      const campaign = await this.campaigns.lock(applicationId, id, tx);
      if (!campaign) throw notFound('campaign', 'campaignId');
      return this.campaigns.update(campaign.seq, await decide(campaign, tx), new Date(now), tx);
    });
  }
}

/** Of what a caller can change. */
export function definitionRevision({ definition }: Pick<Campaign, 'definition'>): string {
  return revisionOf(definition);
}

/** PostgreSQL's jsonb has its own order of members. */
function sorted(value: object): [string, unknown][] {
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function wrongState(state: string, verb: string): ApiError {
  return new ApiError('CARIL0409E', `The campaign is ${state}, so there is nothing to ${verb}.`);
}
