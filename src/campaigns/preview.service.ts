import { Injectable } from '@nestjs/common';
import { readTarget } from '../messages/request/target.js';
import { DryRunRepository } from '../messages/send/dry-run.repository.js';
import { EstimateRepository } from '../messages/send/estimate.repository.js';
import { SavedAudiencesService } from '../messages/send/saved-audiences.service.js';
import type { ProviderName } from '../providers/provider.js';
import { CampaignCheck } from './campaign-check.js';
import { readContent } from './campaign-content.js';
import { refusing } from './campaign-definition.js';
import type { CampaignDto } from './campaign.dto.js';
import type { Definition } from './campaign.js';
import { CampaignsService } from './campaigns.service.js';
import { SharedClock } from './firing/shared-clock.repository.js';
import { toMessages } from './firing/wave-messages.js';
import { exclusionsOf } from '../messages/send/exclusion.js';
import type { Exclusion } from '../messages/send/exclusion.js';
import { previewFirings } from './preview.js';
import type { PreviewedFiring } from './preview.js';

export interface Preview {
  firings: PreviewedFiring[];
  /** Current sizes: of all, and of each message of a wave. */
  audience: number;
  /** False: the sizes are estimated from a sample. */
  exact: boolean;
  /** Devices of the target that would get nothing, by reason. */
  excluded: Record<string, number>;
  exclusions: Exclusion[];
  messages: {
    variant: string | null;
    language: string | null;
    audience: number;
    excluded: Record<string, number>;
  }[];
}

/** Previews campaigns: their next firings, and the audience as it is now. */
@Injectable()
export class PreviewService {
  constructor(
    private readonly campaigns: CampaignsService,
    private readonly definitions: CampaignCheck,
    private readonly saved: SavedAudiencesService,
    private readonly counts: DryRunRepository,
    private readonly estimates: EstimateRepository,
    private readonly clock: SharedClock,
  ) {}

  async previewCampaign(applicationId: string, id: string, count: number): Promise<Preview> {
    const { definition } = await this.campaigns.readCampaign(applicationId, id);
    return this.preview(applicationId, definition, id, count);
  }

  /** Of a campaign that is not stored. */
  async previewBody(applicationId: string, body: CampaignDto, count: number): Promise<Preview> {
    const { definition } = await this.definitions.check(applicationId, body, false);
    return this.preview(applicationId, definition, '', count);
  }

  private async preview(applicationId: string, definition: Definition, id: string, count: number): Promise<Preview> {
    const target = readTarget(await this.saved.resolve(applicationId, definition.target));
    const messages: Preview['messages'] = [];
    const excluded: Preview['excluded'] = {};
    const counts = new Map<ProviderName, number>();
    let isExact = true;
    for (const { variant, language, where, body } of toMessages(definition, id)) {
      const narrowed = { ...target, where: [...(target.where ?? []), ...where] };
      const { placeholders = [] } = readContent(body).notification;
      const message = { variant, language, audience: 0, excluded: {} as Record<string, number> };
      const { shares, exact } = await this.counts.countBounded(applicationId, narrowed, placeholders);
      isExact &&= exact;
      for (const { provider, reason, count } of shares)
        if (reason === null) {
          message.audience += count;
          counts.set(provider, (counts.get(provider) ?? 0) + count);
        } else for (const sums of [message.excluded, excluded]) sums[reason] = (sums[reason] ?? 0) + count;
      messages.push(message);
    }
    const audience = messages.reduce((sum, message) => sum + message.audience, 0);
    const now = await this.clock.now();
    const { limits } = await this.estimates.read(applicationId, [...counts.keys()], { now, from: now });
    const shares = limits.map((each) => ({ limits: each, count: counts.get(each.provider) ?? 0 }));
    const firings = refusing(() => previewFirings(definition, id, now, count, shares));
    return { firings, audience, exact: isExact, excluded, exclusions: exclusionsOf(excluded), messages };
  }
}
