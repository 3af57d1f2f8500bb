import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Clock, EARLIEST } from '../common/clock.js';
import { rootCause } from '../common/errors.js';
import { guardedLookup } from '../common/public-address.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { Http1Client } from '../providers/shared/http1-client.js';
import { IN_FLIGHT, deliverLot } from './lot.js';
import type { WebhookEvent } from './lot.js';
import { TRIES, refuseUrl, sign } from './webhook.js';
import { WebhookEventRepository } from './webhook-event.repository.js';
import type { LeasedWebhook } from './webhook-event.repository.js';

/** Longest wait of an event until a process looks, if no webhook is behind. */
const LOOK_EVERY_MS = 1_000;
/**
 * A lot at a slow endpoint ends after this time, and the courier continues with the webhook that has waited longest.
 */
const LOT_MS = 10_000;
/** Concurrent lots per process: more than the endpoints of three applications (20 each), if all of them are slow. */
const COURIERS = 64;

/** Delivers the events of the outbox at least once, in order per device. */
@Injectable()
export class WebhookSender implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Webhooks');
  private readonly client: Http1Client;
  private timer: NodeJS.Timeout | null = null;
  private readonly couriers = new Set<Promise<void>>();
  private stopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'webhooks' | 'providerCa'>,
    private readonly outbox: WebhookEventRepository,
    private readonly clock: Clock,
  ) {
    const lookup = guardedLookup(config.webhooks.allowPrivate);
    // Connections to one host, because many webhooks may share it.
    this.client = new Http1Client({ ca: config.providerCa, maxConnections: COURIERS * IN_FLIGHT, lookup });
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearInterval(this.timer);
    await this.idle();
    await this.client.close();
  }

  /** Starts sending due events, beside deliveries that are under way. */
  look(): void {
    if (this.stopped || this.couriers.size >= COURIERS || this.clock.now() < EARLIEST) return;
    const courier: Promise<void> = this.deliverDue()
      .catch((error: unknown) => this.log.warn(`Cannot read the outbox, trying again: ${rootCause(error)}`))
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
      await this.deliverLot(webhook);
    }
  }

  private async deliverLot(webhook: LeasedWebhook): Promise<void> {
    const endsAt = this.clock.elapsed() + LOT_MS;
    const isOver = (): boolean => this.stopped || this.clock.elapsed() > endsAt;
    await this.giveUpLapsed(webhook, isOver);
    const events = isOver() ? [] : await this.outbox.next(webhook);
    const result = await deliverLot(events, webhook.failures > 0, (event) => this.deliver(webhook, event), isOver);
    await this.outbox.settle(result);
    if (result.error !== null && webhook.lastError === null) this.log.warn(`${nameOf(webhook)} fails: ${result.error}`);
    await this.outbox.release(webhook, result);
  }

  /** In steps, because there may be more events than a lot has time for. */
  private async giveUpLapsed(webhook: LeasedWebhook, isOver: () => boolean): Promise<void> {
    let givenUp = 0;
    for (let step = 1; step > 0 && !isOver(); givenUp += step) step = await this.outbox.giveUp(webhook.id);
    if (givenUp > 0) this.log.warn(`${nameOf(webhook)}: ${givenUp} events were given up after ${TRIES} failed tries`);
  }

  /** Returns null if the event was accepted, else the reason. */
  private async deliver({ url, secrets }: LeasedWebhook, { id, body }: WebhookEvent): Promise<string | null> {
    // Checked again here: if the URL has an IP address, no name look-up checks it.
    const refusal = refuseUrl(url, this.config.webhooks.allowPrivate);
    if (refusal !== null) return `the url was refused: ${refusal}`;
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Carillon',
      'x-carillon-event-id': String(id),
      'x-carillon-signature': sign(secrets, body, this.clock.now()),
    };
    const result = await this.client.post(url, headers, Buffer.from(body));
    if (result.kind !== 'answered') return result.reason;
    return result.status >= 200 && result.status < 300 ? null : `answered ${result.status}`;
  }
}

function nameOf({ applicationId, name }: LeasedWebhook): string {
  return `Webhook ${name} of application ${applicationId}`;
}
