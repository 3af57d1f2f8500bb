import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService } from '../applications/applications.service.js';
import { checkAlert, checkSizes } from '../messages/request/build-notification.js';
import { checkKnown, ignoredField } from '../messages/request/prepare.js';
import { readTarget } from '../messages/request/target.js';
import { distinct } from '../messages/request/warning.js';
import type { Warning } from '../messages/request/warning.js';
import { AudienceService } from '../messages/send/audience.service.js';
import { SavedAudiencesService } from '../messages/send/saved-audiences.service.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { readContent } from './campaign-content.js';
import { inField, readDefinition } from './campaign-definition.js';
import type { CampaignDto } from './campaign.dto.js';
import type { Definition } from './campaign.js';
import { toMessages } from './firing/wave-messages.js';

/** Checks a campaign before a write or a preview. */
@Injectable()
export class CampaignCheck {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly audiences: AudienceService,
    private readonly saved: SavedAudiencesService,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  /**
   * Checks the definition and each message that it would send. `strict` also applies if the application requires it.
   */
  async check(
    applicationId: string,
    body: CampaignDto,
    strict: boolean,
  ): Promise<{ definition: Definition; warnings: Warning[] }> {
    const application = await this.applications.getApplication(applicationId);
    const definition = readDefinition(body);
    const target = readTarget(await this.saved.resolve(applicationId, definition.target));
    const warnings = await this.audiences.checkTarget(applicationId, target);
    for (const { variant, language, body: content } of toMessages(definition, '')) {
      const field = ['content', variant && `of variant ${variant}`, language && `in ${language}`]
        .filter(Boolean)
        .join(' ');
      inField(field, () => {
        const { notification, unknown } = readContent(content);
        if (strict || application.strict) checkKnown(unknown);
        checkAlert(notification, target.platforms);
        checkSizes(notification, target.platforms, this.providers);
        warnings.push(...unknown.map(ignoredField));
      });
    }
    return { definition, warnings: distinct(warnings) };
  }
}
