import { Injectable } from '@nestjs/common';
import { ApplicationsService, checkMaySend } from '../applications/applications.service.js';
import { ApiError, notFound } from '../common/errors.js';
import { DeliveryQueue } from '../delivery/delivery.queue.js';
import { readIdempotency } from '../messages/send/idempotency.js';
import { CampaignsService } from './campaigns.service.js';
import { FiringService } from './firing/firing.service.js';
import type { RunKey } from './firing/firing.repository.js';
import { RunRepository } from './run.repository.js';
import type { Run, RunVariant, RunWave } from './run.repository.js';
import { SharedClock } from './firing/shared-clock.repository.js';

export interface FiredRun {
  run: Run;
  /** True: repeats the answer to an earlier request with the same Idempotency-Key. */
  replayed: boolean;
  /** True: an earlier run had not ended. */
  beside: boolean;
}

/**
 * Fires campaigns by request, and reads runs. Every method throws FPWSE0001E if the application or the campaign does
 * not exist.
 */
@Injectable()
export class RunsService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly campaigns: CampaignsService,
    private readonly firings: FiringService,
    private readonly runs: RunRepository,
    private readonly queue: DeliveryQueue,
    private readonly clock: SharedClock,
  ) {}

  /** Fires a campaign in any state, independent of its schedule and overlap rule; only once per Idempotency-Key. */
  async runCampaign(
    applicationId: string,
    id: string,
    clientId: string,
    idempotencyKey: string | undefined,
  ): Promise<FiredRun> {
    const idempotency = readIdempotency(idempotencyKey, null);
    const key = idempotency && { clientId, key: idempotency.key };
    const application = await this.applications.getApplication(applicationId);
    const campaign = await this.campaigns.readCampaign(applicationId, id);
    const earlier = await this.findEarlier(campaign.seq, key);
    if (earlier) return earlier;
    checkMaySend(application);
    const now = await this.clock.now();
    const { messageSeqs, runSeq, busy } = await this.firings.fireNow(campaign, now, key);
    if (messageSeqs.length > 0) await this.queue.enqueueExpansions(messageSeqs);
    if (runSeq !== null) return { run: await this.readRun(campaign.seq, runSeq), replayed: false, beside: busy };
    // The same key came in a concurrent request.
    const first = await this.findEarlier(campaign.seq, key);
    if (first) return first;
    throw new ApiError('CARIL0409E', 'The campaign was run by a concurrent request. Try again.');
  }

  /** Newest first, below a run. */
  async listRuns(applicationId: string, id: string, before: number, limit: number): Promise<Run[]> {
    const { seq } = await this.campaigns.readCampaign(applicationId, id);
    return this.runs.list(seq, { before, limit });
  }

  async readWaves(
    applicationId: string,
    id: string,
    runSeq: number,
  ): Promise<{ run: Run; waves: RunWave[]; variants: RunVariant[] }> {
    const { seq } = await this.campaigns.readCampaign(applicationId, id);
    const run = await this.readRun(seq, runSeq);
    const [waves, outcomes] = await Promise.all([this.runs.listWaves(run.seq), this.runs.listVariantOutcomes(run.seq)]);
    const messages = waves.flatMap((wave) => wave.messages);
    const audienceOf = (of: string | null): number =>
      messages.reduce((sum, { variant, audience }) => (variant === of ? sum + audience : sum), 0);
    const variants = [...outcomes].map(([variant, counts]) => ({
      variant,
      audience: audienceOf(variant),
      outcomes: counts,
    }));
    return { run, waves, variants };
  }

  private async findEarlier(campaignSeq: number, key: RunKey | null): Promise<FiredRun | null> {
    const seq = key ? await this.runs.findByKey(campaignSeq, key) : undefined;
    return seq === undefined ? null : { run: await this.readRun(campaignSeq, seq), replayed: true, beside: false };
  }

  private async readRun(campaignSeq: number, runSeq: number): Promise<Run> {
    const [run] = await this.runs.list(campaignSeq, { seq: runSeq });
    if (!run) throw notFound('run', 'runId');
    return run;
  }
}
