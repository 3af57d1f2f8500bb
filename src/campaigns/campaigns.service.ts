import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { ApiError, notFound } from '../common/errors.js';
import { DeliveryQueue } from '../delivery/delivery.queue.js';
import { AudienceRepository } from '../devices/audience.repository.js';
import { readContent } from '../messages/content.js';
import { newMessageId } from '../messages/message-id.js';
import { AudienceService } from '../messages/audience.service.js';
import { applicationDisabled } from '../messages/messages.service.js';
import { checkKnown, ignoredField } from '../messages/prepare.js';
import { checkAlert, checkSizes } from '../messages/notification.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import type { Definition } from './campaign.js';
import type { CampaignDto } from './campaign.dto.js';
import { inField, readDefinition, refusing } from './campaign-definition.js';
import { CampaignRepository } from './campaign.repository.js';
import type { Campaign, CampaignChange } from './campaign.repository.js';
import { CampaignRules } from './campaign.rules.js';
import { readCampaignTarget } from './campaign-target.js';
import { FiringRepository } from './firing.repository.js';
import { planNext } from './firing.js';
import { previewFirings } from './preview.js';
import type { PreviewedFiring } from './preview.js';
import { RunRepository } from './run.repository.js';
import type { Run, RunWave } from './run.repository.js';
import { checkFires, readSchedule } from './schedule/schedule.js';
import { SharedClock } from './shared-clock.repository.js';
import { toMessages } from './wave-messages.js';

export interface Preview {
  firings: PreviewedFiring[];
  /** Now: all, and each message of a wave. */
  audience: number;
  messages: { variant: string | null; language: string | null; audience: number }[];
}

/** A person's word on campaigns. Each throws FPWSE0001E when there is no such application or campaign. */
@Injectable()
export class CampaignsService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly campaigns: CampaignRepository,
    private readonly firings: FiringRepository,
    private readonly runs: RunRepository,
    private readonly rules: CampaignRules,
    private readonly audiences: AudienceService,
    private readonly audience: AudienceRepository,
    private readonly queue: DeliveryQueue,
    private readonly clock: SharedClock,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  /** As a draft: nothing is sent before it is activated. */
  async createCampaign(
    { applicationId, clientId, strict }: { applicationId: string; clientId: string; strict: boolean },
    body: CampaignDto,
  ): Promise<{ campaign: Campaign; warnings: string[] }> {
    const { definition, warnings } = await this.check(applicationId, body, strict);
    return { campaign: await this.add(applicationId, clientId, definition), warnings };
  }

  async listCampaigns(applicationId: string, after: string | undefined, limit: number): Promise<Campaign[]> {
    await this.applications.getApplication(applicationId);
    const last = after === undefined ? null : await this.readCampaign(applicationId, after);
    return this.campaigns.list(applicationId, last?.seq ?? 0, limit);
  }

  async readCampaign(applicationId: string, id: string): Promise<Campaign> {
    await this.applications.getApplication(applicationId);
    const campaign = await this.campaigns.find(applicationId, id);
    if (!campaign) throw notFound('campaign', 'campaignId');
    return campaign;
  }

  /** An active one goes on with its new schedule from now; a firing that is due already stays when the schedule does. */
  async replaceCampaign(
    { applicationId, strict }: { applicationId: string; strict: boolean },
    id: string,
    body: CampaignDto,
  ): Promise<{ campaign: Campaign; warnings: string[] }> {
    await this.readCampaign(applicationId, id);
    const { definition, warnings } = await this.check(applicationId, body, strict);
    const now = await this.clock.now();
    const campaign = await this.change(applicationId, id, now, (old) => {
      const same = JSON.stringify(sorted(old.definition.schedule)) === JSON.stringify(sorted(definition.schedule));
      if (old.state !== 'active' || same) return { definition };
      refusing(() => checkFires(readSchedule(definition.schedule), now));
      return { definition, next: planNext(definition, id, now) };
    });
    return { campaign, warnings };
  }

  /** Its messages stay, and go on. */
  async removeCampaign(applicationId: string, id: string): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (!(await this.campaigns.remove(applicationId, id))) throw notFound('campaign', 'campaignId');
  }

  async activateCampaign(applicationId: string, id: string): Promise<Campaign> {
    await this.applications.getApplication(applicationId);
    return this.start(applicationId, id, await this.clock.now());
  }

  /** What it missed while it was paused is not made up for. Throws CARIL0409E when it is a draft or has finished. */
  async resumeCampaign(applicationId: string, id: string): Promise<Campaign> {
    const { state } = await this.readCampaign(applicationId, id);
    if (state === 'draft' || state === 'finished') throw wrongState(state, 'resume');
    return this.start(applicationId, id, await this.clock.now());
  }

  /** Throws CARIL0409E when it is a draft or has finished. */
  async pauseCampaign(applicationId: string, id: string): Promise<Campaign> {
    await this.applications.getApplication(applicationId);
    return this.change(applicationId, id, await this.clock.now(), ({ state }) => {
      if (state === 'draft' || state === 'finished') throw wrongState(state, 'pause');
      return state === 'paused' ? {} : { state: 'paused', next: null };
    });
  }

  /** Beside the schedule, in any state. Answers the run. */
  async runCampaign(applicationId: string, id: string): Promise<Run> {
    const application = await this.applications.getApplication(applicationId);
    if (!application.enabled) throw applicationDisabled();
    const campaign = await this.readCampaign(applicationId, id);
    const now = await this.clock.now();
    const waves = this.rules.planManual(campaign, now);
    const read = (...wave: Parameters<CampaignRules['readWave']>) => this.rules.readWave(...wave);
    const { messageSeqs, runSeq } = await this.firings.fireNow(campaign, now, waves, read);
    if (messageSeqs.length > 0) await this.queue.enqueueExpansions(messageSeqs);
    if (runSeq === null) throw new ApiError('CARIL0409E', 'It was run in this very moment.');
    return this.readRun(campaign, runSeq);
  }

  async duplicateCampaign(
    applicationId: string,
    clientId: string,
    id: string,
    name: string | undefined,
  ): Promise<Campaign> {
    const { definition } = await this.readCampaign(applicationId, id);
    return this.add(applicationId, clientId, { ...definition, name: name ?? `${definition.name} (copy)` });
  }

  async previewCampaign(applicationId: string, id: string, count: number): Promise<Preview> {
    const { definition } = await this.readCampaign(applicationId, id);
    const target = readCampaignTarget(definition.target);
    const messages: Preview['messages'] = [];
    for (const { variant, language, where } of toMessages(definition, id)) {
      const narrowed = { ...target, where: [...(target.where ?? []), ...where] };
      messages.push({ variant, language, audience: await this.audience.count(applicationId, narrowed) });
    }
    const audience = messages.reduce((sum, message) => sum + message.audience, 0);
    const now = await this.clock.now();
    const firings = refusing(() => previewFirings(definition, id, now, count, audience));
    return { firings, audience, messages };
  }

  /** Newest first, below a run. */
  async listRuns(applicationId: string, id: string, before: number, limit: number): Promise<Run[]> {
    const { seq } = await this.readCampaign(applicationId, id);
    return this.runs.list(seq, { before, limit });
  }

  async readWaves(applicationId: string, id: string, runSeq: number): Promise<{ run: Run; waves: RunWave[] }> {
    const run = await this.readRun(await this.readCampaign(applicationId, id), runSeq);
    return { run, waves: await this.runs.listWaves(run.seq) };
  }

  private async readRun({ seq }: Campaign, runSeq: number): Promise<Run> {
    const [run] = await this.runs.list(seq, { seq: runSeq });
    if (!run) throw notFound('run', 'runId');
    return run;
  }

  private async add(applicationId: string, clientId: string, definition: Definition): Promise<Campaign> {
    const now = new Date(await this.clock.now());
    for (;;) {
      const added = await this.campaigns.add({ applicationId, id: newMessageId(), clientId, definition }, now);
      if (added) return added;
    }
  }

  /** Active from now on. Throws FPWSE0005E when it would never fire. */
  private start(applicationId: string, id: string, now: number): Promise<Campaign> {
    return this.change(applicationId, id, now, ({ state, definition }) => {
      if (state === 'active') return {};
      refusing(() => checkFires(readSchedule(definition.schedule), now));
      return { state: 'active', next: planNext(definition, id, now) };
    });
  }

  private async change(
    applicationId: string,
    id: string,
    now: number,
    change: (campaign: Campaign) => CampaignChange,
  ): Promise<Campaign> {
    const changed = await this.campaigns.change(applicationId, id, new Date(now), change);
    if (!changed) throw notFound('campaign', 'campaignId');
    return changed;
  }

  /** The whole of it, and each message that it would send. `strict`: or the application says so. */
  private async check(
    applicationId: string,
    body: CampaignDto,
    strict: boolean,
  ): Promise<{ definition: Definition; warnings: string[] }> {
    const application = await this.applications.getApplication(applicationId);
    const definition = readDefinition(body);
    const target = readCampaignTarget(definition.target);
    const warnings = new Set(await this.audiences.checkTarget(applicationId, target));
    for (const { variant, language, body: content } of toMessages(definition, '')) {
      const field = ['content', variant && `of variant ${variant}`, language && `in ${language}`]
        .filter(Boolean)
        .join(' ');
      inField(field, () => {
        const { notification, unknown } = readContent(content);
        if (strict || application.strict) checkKnown(unknown);
        checkAlert(notification, target.platforms);
        checkSizes(notification, target.platforms, this.providers);
        for (const path of unknown) warnings.add(ignoredField(path));
      });
    }
    return { definition, warnings: [...warnings] };
  }
}

/** The database keeps an object's fields in an order of its own. */
function sorted(value: object): [string, unknown][] {
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function wrongState(state: string, verb: string): ApiError {
  return new ApiError('CARIL0409E', `The campaign is ${state}: there is nothing to ${verb}.`);
}
