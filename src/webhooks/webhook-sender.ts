import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Clock, EARLIEST } from '../common/clock.js';
import { rootCause } from '../common/errors.js';
import { guardedLookup } from '../common/public-address.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { Http1Client } from '../providers/http1-client.js';
import { refuseUrl, sign, waitAfter } from './webhook.js';
import { WebhookEventRepository } from './webhook-event.repository.js';
import type { LeasedWebhook, WebhookEvent } from './webhook-event.repository.js';

/** How long an event waits at most for somebody to look, when no webhook is behind. */
const LOOK_EVERY_MS = 1_000;
/** A lot ends after this, so that its lease of 60 s outlives the request of up to 15 s that was begun by then. */
const LOT_MS = 30_000;
/** Lots that one process delivers side by side, each over a connection of its own: many webhooks may share one host. */
const COURIERS = 8;

/** Delivers what waits in the outbox: at least once, in order per webhook, for a day. */
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
    this.client = new Http1Client({ ca: config.providerCa, maxConnections: COURIERS, lookup });
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

  /** Sends for what is due, beside what is being delivered. */
  look(): void {
    if (this.stopped || this.couriers.size >= COURIERS || this.clock.now() < EARLIEST) return;
    const courier: Promise<void> = this.deliverDue()
      .catch((error: unknown) => this.log.warn(`The outbox cannot be read; the next look will: ${rootCause(error)}`))
      .finally(() => this.couriers.delete(courier));
    this.couriers.add(courier);
  }

  /** Until nothing is due or being delivered. Rejects never. */
  async idle(): Promise<void> {
    while (this.couriers.size > 0) await Promise.all(this.couriers);
  }

  /** A lot at a time, so that a slow webhook holds up one courier and no more. Who finds a lot sends the next to look. */
  private async deliverDue(): Promise<void> {
    for (;;) {
      const webhook = this.stopped ? undefined : await this.outbox.lease();
      if (!webhook) return;
      this.look();
      await this.deliverLot(webhook);
    }
  }

  private async deliverLot(webhook: LeasedWebhook): Promise<void> {
    const endsAt = this.clock.now() + LOT_MS;
    const isOver = (): boolean => this.stopped || this.clock.now() > endsAt;
    await this.giveUpLapsed(webhook, isOver);
    const delivered: number[] = [];
    let error: string | null = null;
    for (const event of isOver() ? [] : await this.outbox.next(webhook.id)) {
      if (isOver()) break;
      error = await this.deliver(webhook, event);
      if (error !== null) break;
      delivered.push(event.id);
    }
    await this.outbox.remove(delivered);
    if (error !== null && webhook.failures === 0) this.log.warn(`${nameOf(webhook)} fails: ${error}`);
    // What was delivered ends a row of failures.
    const failures = delivered.length > 0 ? 1 : webhook.failures + 1;
    const failed = error === null ? null : { error, failures, waitMs: waitAfter(failures, Math.random()) };
    await this.outbox.release(webhook, failed);
  }

  /** In steps: what a day has left may be more than a lot has time for. */
  private async giveUpLapsed(webhook: LeasedWebhook, isOver: () => boolean): Promise<void> {
    let givenUp = 0;
    for (let step = 1; step > 0 && !isOver(); givenUp += step) step = await this.outbox.giveUp(webhook.id);
    if (givenUp > 0) this.log.warn(`${nameOf(webhook)}: ${givenUp} events were given up after a day`);
  }

  /** Null when it was taken, else why not. */
  private async deliver({ url, secret }: LeasedWebhook, { id, body }: WebhookEvent): Promise<string | null> {
    // Asked again: a look-up does not pass by for an address in place of a name.
    const refusal = refuseUrl(url, this.config.webhooks.allowPrivate);
    if (refusal !== null) return `the url is not called: ${refusal}`;
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Carillon',
      'x-carillon-event-id': String(id),
      'x-carillon-signature': sign(secret, body, this.clock.now()),
    };
    const result = await this.client.post(url, headers, Buffer.from(body));
    if (result.kind !== 'answered') return result.reason;
    return result.status >= 200 && result.status < 300 ? null : `answered ${result.status}`;
  }
}

function nameOf({ applicationId, name }: LeasedWebhook): string {
  return `Webhook ${name} of application ${applicationId}`;
}
