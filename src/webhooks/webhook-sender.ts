import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Clock, EARLIEST } from '../common/clock.js';
import { Outages, tellFailure } from '../common/outage.js';
import { inSpan } from '../common/tracing.js';
import type { OpenSpan } from '../common/tracing.js';
import { deliverLot } from './lot.js';
import type { Refusal, WebhookEvent } from './lot.js';
import { TRIES } from './webhook.js';
import { COURIERS, WebhookClient } from './webhook-client.js';
import { ATTEMPTS_KEPT, WebhookEventRepository } from './webhook-event.repository.js';
import type { Attempt, LeasedWebhook } from './webhook-event.repository.js';

/** Longest wait of an event until a process looks, if no webhook is behind. */
const LOOK_EVERY_MS = 1_000;
/**
 * A lot at a slow endpoint ends after this time, and the courier continues with the webhook that has waited longest.
 */
const LOT_MS = 10_000;

/** Delivers the events of the outbox at least once, in order per device. */
@Injectable()
export class WebhookSender implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Webhooks');
  private readonly outages = new Outages(
    this.log,
    (name) => ({ begins: `${name} fails`, ends: `${name} takes events again`, level: 'warn' }),
    'A further webhook',
  );
  private timer: NodeJS.Timeout | null = null;
  private readonly couriers = new Set<Promise<void>>();
  private stopped = false;

  constructor(
    private readonly client: WebhookClient,
    private readonly outbox: WebhookEventRepository,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearInterval(this.timer);
    await this.idle();
  }

  /** Starts sending due events, beside deliveries that are under way. */
  look(): void {
    if (this.stopped || this.couriers.size >= COURIERS || this.clock.now() < EARLIEST) return;
    const courier: Promise<void> = this.deliverDue()
      .catch((error: unknown) => tellFailure(this.log, 'Cannot read the outbox, trying again', error))
      .finally(() => this.couriers.delete(courier));
    this.couriers.add(courier);
  }

  /** Resolves when nothing is due or being delivered. Never rejects. */
  async idle(): Promise<void> {
    while (this.couriers.size > 0) await Promise.all(this.couriers);
  }

  /**
   * One lot at a time, so that a slow endpoint occupies one courier only. A courier that finds a lot starts the next
   * courier.
   */
  private async deliverDue(): Promise<void> {
    for (;;) {
      const webhook = this.stopped ? undefined : await this.outbox.lease();
      if (!webhook) return;
      this.look();
      const { applicationId, name } = webhook;
      await inSpan(
        'deliver webhook',
        null,
        { 'carillon.application': applicationId, 'carillon.webhook': name },
        (span) => this.deliverLot(webhook, span),
      );
    }
  }

  private async deliverLot(webhook: LeasedWebhook, span: OpenSpan): Promise<void> {
    const endsAt = this.clock.elapsed() + LOT_MS;
    const isOver = (): boolean => this.stopped || this.clock.elapsed() > endsAt;
    if (webhook.isDisabled) return this.endWaiting(webhook, isOver);
    await this.giveUpLapsed(webhook, isOver);
    const events = isOver() ? [] : await this.outbox.next(webhook);
    const attempts: Attempt[] = [];
    const deliver = (event: WebhookEvent): Promise<Refusal | null> => this.deliver(webhook, event, attempts);
    const result = await deliverLot(events, webhook.failures > 0, deliver, isOver);
    span.note(() => ({ 'carillon.events': events.length, 'carillon.failed': result.error !== null }));
    if (!(await this.outbox.renew(webhook))) return;
    await this.outbox.settle(webhook.id, result, attempts);
    if (result.error !== null) this.outages.failed(nameOf(webhook), result.error);
    else if (result.delivered.length > 0) this.outages.worked(nameOf(webhook));
    if (result.isGone) this.log.warn(`${nameOf(webhook)} is disabled: ${result.error}`);
    await this.outbox.release(webhook, result);
  }

  /** The release ends the lease and nothing else, because no event was tried. */
  private async endWaiting(webhook: LeasedWebhook, isOver: () => boolean): Promise<void> {
    while (!isOver() && (await this.outbox.endSome(webhook.id)) > 0);
    await this.outbox.release(webhook, await deliverLot([], false, () => Promise.resolve(null), isOver));
  }

  /** In steps, because there may be more events than a lot has time for. */
  private async giveUpLapsed(webhook: LeasedWebhook, isOver: () => boolean): Promise<void> {
    let givenUp = 0;
    for (let step = 1; step > 0 && !isOver(); givenUp += step) step = await this.outbox.giveUp(webhook.id);
    if (givenUp > 0) this.log.warn(`${nameOf(webhook)}: ${givenUp} events were given up after ${TRIES} failed tries`);
  }

  private async deliver({ url, secrets }: LeasedWebhook, event: WebhookEvent, attempts: Attempt[]) {
    const startedAt = this.clock.elapsed();
    const refusal = await this.client.post(url, secrets, { id: event.eventId, body: event.body });
    const ms = Math.round(this.clock.elapsed() - startedAt);
    attempts.unshift({ at: new Date(this.clock.now()).toISOString(), event, error: refusal?.reason ?? null, ms });
    attempts.length = Math.min(attempts.length, ATTEMPTS_KEPT);
    return refusal;
  }
}

function nameOf({ applicationId, name }: LeasedWebhook): string {
  return `Webhook ${name} of application ${applicationId}`;
}
