import { Inject, Injectable } from '@nestjs/common';
import { ApplicationsService, checkMaySend } from '../applications/applications.service.js';
import { ApiError, invalidValue } from '../common/errors.js';
import { toPlain } from '../common/fields.js';
import type { DeviceCondition, Target } from '../database/tables.js';
import { DevicesService } from '../devices/devices.service.js';
import { ReportsService } from '../messages/report/reports.service.js';
import { distinct } from '../messages/request/warning.js';
import type { Warning } from '../messages/request/warning.js';
import { AudienceService } from '../messages/send/audience.service.js';
import { checkSameRequest } from '../messages/send/idempotency.js';
import type { Idempotency } from '../messages/send/idempotency.js';
import { newMessageId } from '../messages/send/message-id.js';
import { MessageWriter } from '../messages/send/message-writer.js';
import { MessageRepository } from '../messages/send/message.repository.js';
import { PROVIDERS } from '../providers/providers.module.js';
import type { Providers } from '../providers/providers.module.js';
import { readContent } from './campaign-content.js';
import { checkMessages } from './campaign-definition.js';
import { CampaignsService } from './campaigns.service.js';
import { SharedClock } from './firing/shared-clock.repository.js';
import { toMessages } from './firing/wave-messages.js';
import type { WaveMessage } from './firing/wave-messages.js';
import { inLanguageOf, renderContent, renderMessage } from './render.js';
import type { RenderedMessage } from './render.js';
import type { RenderDto, TestCampaignDto } from './render.dto.js';

export interface TestedMessage {
  messageId: string;
  variant: string | null;
  language: string | null;
  audience: number;
}

/** Shows what devices would get, and sends it to a few of them. */
@Injectable()
export class RenderService {
  constructor(
    private readonly applications: ApplicationsService,
    private readonly campaigns: CampaignsService,
    private readonly devices: DevicesService,
    private readonly reports: ReportsService,
    private readonly audiences: AudienceService,
    private readonly writer: MessageWriter,
    private readonly stored: MessageRepository,
    private readonly clock: SharedClock,
    @Inject(PROVIDERS) private readonly providers: Providers,
  ) {}

  /** Throws FPWSE0001E if the application or the device does not exist, FPWSE0005E for wrong content. */
  async render(applicationId: string, body: RenderDto): Promise<RenderedMessage[]> {
    await this.applications.getApplication(applicationId);
    const { deviceId, ...content } = toPlain(body);
    const definition = { name: '', schedule: {}, ...content };
    checkMessages(definition);
    const device = deviceId === undefined ? null : await this.devices.getDevice(applicationId, deviceId);
    const all = toMessages(definition, '');
    const messages = device ? inLanguageOf(all, device.language) : all;
    return messages.flatMap((message) => renderMessage(message, this.providers, device));
  }

  /** A message that is stored, on the platforms that it is for. Throws FPWSE0001E if there is no such message. */
  async renderStored(applicationId: string, messageId: string): Promise<RenderedMessage[]> {
    const { notification, target } = await this.reports.readContent(applicationId, messageId);
    const renderings = renderContent(notification, target.platforms, this.providers, null);
    return renderings.map((rendering) => ({ variant: null, language: null, ...rendering }));
  }

  /**
   * Sends a campaign's messages to devices or users, at once and in any state of the campaign. There is no run: neither
   * overlap, caps, quiet hours, rate nor shares of variants apply, and nothing is counted. Throws FPWSE1007E if the
   * application is disabled, FPWSE0002E if the key was used for another request.
   */
  async testCampaign(
    { applicationId, clientId }: { applicationId: string; clientId: string },
    id: string,
    { deviceIds, userIds, variant, language }: TestCampaignDto,
    idempotency: Idempotency | null,
  ): Promise<{ messages: TestedMessage[]; warnings: Warning[]; replayed: boolean }> {
    if ((deviceIds === undefined) === (userIds === undefined))
      throw invalidValue('deviceIds', 'either deviceIds or userIds is required');
    const application = await this.applications.getApplication(applicationId);
    const { definition } = await this.campaigns.readCampaign(applicationId, id);
    const chosen = toMessages(definition, id).filter(
      (message) => isChosen(message.variant, variant) && isChosen(message.language, language),
    );
    const earlier = await this.findTested(applicationId, clientId, chosen, idempotency);
    if (earlier) return earlier;
    checkMaySend(application);
    if (chosen.length === 0)
      throw invalidValue(variant === undefined ? 'language' : 'variant', 'the campaign does not have it');
    const now = await this.clock.now();
    const tested = await Promise.all(
      chosen.map(async (message) => {
        const where = language === undefined ? withoutShare(message.where) : [];
        const target: Target = { ...(deviceIds ? { deviceIds } : { userIds }), ...(where.length > 0 && { where }) };
        const audience = await this.audiences.resolve(applicationId, target);
        return {
          message,
          acceptable: compose({ applicationId, clientId, campaignId: id, idempotency }, message, target, now),
          audience,
        };
      }),
    );
    const kept = tested
      .map(({ message, acceptable, audience: { batches, urgent } }) => {
        const audience = (batches ?? []).reduce((sum, { deviceSeqs }) => sum + deviceSeqs.length, 0);
        return { message, audience, acceptable: { message: { ...acceptable, urgent }, batches } };
      })
      .filter(({ audience }) => audience > 0);
    if (!(await this.writer.keepAll(kept.map(({ acceptable }) => acceptable)))) {
      // The same key came in a concurrent request.
      const first = await this.findTested(applicationId, clientId, chosen, idempotency);
      if (first) return first;
      throw new ApiError('CARIL0409E', 'The test was sent by a concurrent request. Try again.');
    }
    const messages = kept.map(({ message, audience, acceptable }) => ({
      messageId: acceptable.message.id,
      variant: message.variant,
      language: message.language,
      audience,
    }));
    return { messages, warnings: distinct(tested.flatMap(({ audience }) => audience.warnings)), replayed: false };
  }

  /** The messages that an earlier request with the same key has sent; null: none. */
  private async findTested(
    applicationId: string,
    clientId: string,
    chosen: readonly WaveMessage[],
    idempotency: Idempotency | null,
  ): Promise<{ messages: TestedMessage[]; warnings: Warning[]; replayed: true } | null> {
    if (!idempotency) return null;
    const found = await Promise.all(
      chosen.map(async (message) => {
        const earlier = await this.stored.findByIdempotencyKey(applicationId, clientId, keyOf(idempotency, message));
        if (!earlier) return [];
        checkSameRequest(earlier, idempotency.requestHash);
        const { variant, language } = message;
        return [{ messageId: earlier.id, variant, language, audience: earlier.audience }];
      }),
    );
    const messages = found.flat();
    return messages.length === 0 ? null : { messages, warnings: [], replayed: true };
  }
}

/** Each message of a test has its own with spaces, which no caller can send. */
function keyOf({ key }: Idempotency, { variant, language }: WaveMessage): string {
  return `${key} ${JSON.stringify([variant, language])}`;
}

function isChosen(own: string | null, wanted: string | undefined): boolean {
  return wanted === undefined || own === wanted;
}

function withoutShare(where: readonly DeviceCondition[]): DeviceCondition[] {
  return where.filter(({ kind }) => kind !== 'share');
}

interface TestContext {
  applicationId: string;
  clientId: string;
  campaignId: string;
  idempotency: Idempotency | null;
}

function compose(
  { applicationId, clientId, campaignId, idempotency }: TestContext,
  message: WaveMessage,
  target: Target,
  now: number,
) {
  const content = readContent(message.body);
  return {
    applicationId,
    id: newMessageId(),
    clientId,
    body: message.body,
    notification: content.notification,
    target,
    onUnknown: content.onUnknown,
    idempotency: idempotency && { ...idempotency, key: keyOf(idempotency, message) },
    acceptedAt: new Date(now),
    expiresAt: new Date(now + content.ttlSeconds * 1_000),
    label: content.label,
    testOf: campaignId,
  };
}
