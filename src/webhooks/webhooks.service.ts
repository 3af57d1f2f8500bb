import { Inject, Injectable } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { ApplicationsService } from '../applications/applications.service.js';
import type { Actor } from '../auth/audit.repository.js';
import { Clock } from '../common/clock.js';
import { ApiError, invalidValue, notFound } from '../common/errors.js';
import { readInstant } from '../common/instant.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { unknownType } from '../events/event-types.js';
import { EVENT_TYPES, SECRET_PREFIX, readEventTypes, refuseUrl } from './webhook.js';
import type { EventType, TriedEvent } from './webhook.js';
import { WebhookClient } from './webhook-client.js';
import type { CreateWebhookDto, ReplayWebhookDto, WebhookReplayAnswer, WebhookTestAnswer } from './webhook.dto.js';
import { WebhookReplayRepository } from './webhook-replay.repository.js';
import { WebhookRepository } from './webhook.repository.js';
import type { Webhook, WebhookReport } from './webhook.repository.js';

@Injectable()
export class WebhooksService {
  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'webhooks'>,
    private readonly applications: ApplicationsService,
    private readonly webhooks: WebhookRepository,
    private readonly endedEvents: WebhookReplayRepository,
    private readonly client: WebhookClient,
    private readonly clock: Clock,
  ) {}

  /** Makes the secret, which only this answer contains. */
  async create(applicationId: string, input: CreateWebhookDto): Promise<{ webhook: Webhook; secret: string }> {
    await this.applications.getApplication(applicationId);
    const webhook = this.read(input);
    const secret = newSecret();
    const result = await this.webhooks.add(applicationId, webhook, secret);
    if (result === 'taken')
      throw new ApiError('FPWSE0002E', "The webhook exists already. Check the 'name' parameter value.");
    if (result === 'full') throw new ApiError('CARIL0409E', 'The application has 20 webhooks, which is the maximum.');
    return { webhook, secret };
  }

  async list(applicationId: string): Promise<WebhookReport[]> {
    await this.applications.getApplication(applicationId);
    return this.webhooks.list(applicationId);
  }

  async get(applicationId: string, name: string): Promise<WebhookReport> {
    await this.applications.getApplication(applicationId);
    const [webhook] = await this.webhooks.list(applicationId, name);
    if (!webhook) throw unknownWebhook();
    return webhook;
  }

  /** Throws CARIL0412E if the webhook is of another revision. */
  async change(
    applicationId: string,
    input: CreateWebhookDto,
    revisions?: readonly string[],
  ): Promise<{ before: Webhook; webhook: Webhook }> {
    await this.applications.getApplication(applicationId);
    const webhook = this.read(input);
    const before = await this.webhooks.change(applicationId, webhook, revisions);
    if (!before) throw unknownWebhook();
    return { before, webhook };
  }

  /** The newest tries of deliveries, the newest first. */
  async listAttempts(applicationId: string, name: string): Promise<TriedEvent[]> {
    await this.applications.getApplication(applicationId);
    const attempts = await this.webhooks.attempts(applicationId, name);
    if (!attempts) throw unknownWebhook();
    return attempts;
  }

  /**
   * Posts an event of the type `test` at once, with the fields of both forms of events. The result is in the answer
   * only: no failure is counted.
   */
  async test(applicationId: string, name: string): Promise<WebhookTestAnswer> {
    await this.applications.getApplication(applicationId);
    const webhook = await this.webhooks.open(applicationId, name);
    if (!webhook) throw unknownWebhook();
    const startedAt = this.clock.elapsed();
    const [id, now] = [`test-${randomUUID()}`, this.clock.now()];
    const ofCarillon = { type: 'test', id, timestamp: new Date(now).toISOString(), data: { applicationId } };
    const ofMobileFirst = { entity: {}, applicationId, eventTimeStamp: now };
    const body = JSON.stringify({ ...ofCarillon, ...ofMobileFirst });
    const refusal = await this.client.post(webhook.url, webhook.secrets, { id, body });
    const durationMs = Math.round(this.clock.elapsed() - startedAt);
    return { accepted: refusal === null, ...(refusal && { error: refusal.reason }), durationMs };
  }

  /** Events that wait for their next try are due at once. */
  async retryNow(applicationId: string, name: string): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (!(await this.webhooks.retryNow(applicationId, name))) throw unknownWebhook();
  }

  /** Throws FPWSE0005E for an unreadable time or event type. */
  async replay(
    actor: Actor,
    applicationId: string,
    name: string,
    { from, to, eventTypes }: ReplayWebhookDto,
  ): Promise<WebhookReplayAnswer> {
    await this.applications.getApplication(applicationId);
    const period = { from: readInstant('from', from), to: to === undefined ? this.clock.now() : readInstant('to', to) };
    if (period.from >= period.to) throw invalidValue('from', 'it must be before the end');
    const events = await this.endedEvents.replay(actor, applicationId, name, {
      from: new Date(period.from),
      to: new Date(period.to),
      types: eventTypes === undefined ? EVENT_TYPES : typesOf(eventTypes),
    });
    if (events === undefined) throw unknownWebhook();
    return { events };
  }

  /** Throws CARIL0412E if the webhook is of another revision. */
  async remove(applicationId: string, name: string, revisions?: readonly string[]): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (!(await this.webhooks.remove(applicationId, name, revisions))) throw unknownWebhook();
  }

  /** The old secret stays valid for `overlapS` more seconds. */
  async rotateSecret(
    actor: Actor,
    applicationId: string,
    name: string,
    overlapS: number,
  ): Promise<{ webhook: Webhook; secret: string; secretBeforeUntil: Date | null }> {
    await this.applications.getApplication(applicationId);
    const secret = newSecret();
    const result = await this.webhooks.rotateSecret(actor, applicationId, name, secret, overlapS);
    if (result === 'none') throw unknownWebhook();
    if (result === 'overlap')
      throw new ApiError(
        'CARIL0409E',
        'The overlap of the last rotation has not ended. End it first, or set overlapSeconds to 0.',
      );
    const { secretBeforeUntil, ...webhook } = result;
    return { webhook, secret, secretBeforeUntil };
  }

  async endSecretBefore(actor: Actor, applicationId: string, name: string): Promise<void> {
    await this.applications.getApplication(applicationId);
    if (!(await this.webhooks.endSecretBefore(actor, applicationId, name))) throw unknownWebhook();
  }

  private read({ name, url, eventTypes, labels, campaigns }: CreateWebhookDto): Webhook {
    const refusal = refuseUrl(url, this.config.webhooks.allowPrivate);
    if (refusal !== null) throw invalidValue('url', refusal);
    return { name, url, eventTypes: typesOf(eventTypes), labels: labels ?? null, campaigns: campaigns ?? null };
  }
}

function typesOf(text: string): EventType[] {
  const types = readEventTypes(text);
  if ('unknown' in types) throw invalidValue('eventTypes', unknownType(types.unknown));
  return types;
}

function newSecret(): string {
  return `${SECRET_PREFIX}${randomBytes(32).toString('base64')}`;
}

function unknownWebhook(): ApiError {
  return notFound('webhook', 'name');
}
