import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { guardedLookup } from '../common/public-address.js';
import { wayOf } from '../common/tunnel.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { Http1Client } from '../providers/shared/http1-client.js';
import { IN_FLIGHT } from './lot.js';
import type { Refusal } from './lot.js';
import { readRetryAfter, refuseUrl, sign, standardHeaders } from './webhook.js';

/** Concurrent lots per process: more than the endpoints of three applications (20 each), if all of them are slow. */
export const COURIERS = 64;

/** The status by which an endpoint asks for no more events. */
const GONE = 410;

/** Posts signed events. */
@Injectable()
export class WebhookClient implements OnApplicationShutdown {
  private readonly client: Http1Client;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'webhooks' | 'providerCa' | 'proxy'>,
    private readonly clock: Clock,
  ) {
    const lookup = guardedLookup(config.webhooks.allowPrivate);
    const way = wayOf({ ca: config.providerCa, proxy: config.proxy }, lookup);
    // Connections to one host, because many webhooks may share it.
    this.client = new Http1Client({ ...way, lookup, maxConnections: COURIERS * IN_FLIGHT });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.close();
  }

  /** Returns null if the event was accepted; the reason otherwise holds nothing of the answer but its status. */
  async post(url: string, secrets: readonly string[], event: { id: string; body: string }): Promise<Refusal | null> {
    // Checked again here: if the URL has an IP address, no name look-up checks it.
    const refusal = refuseUrl(url, this.config.webhooks.allowPrivate);
    if (refusal !== null) return { reason: `the url was refused: ${refusal}` };
    const now = this.clock.now();
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Carillon',
      ...standardHeaders(secrets, event, now),
      // For receivers from before Standard Webhooks, for one release.
      'x-carillon-event-id': event.id,
      'x-carillon-signature': sign(secrets, event.body, now),
    };
    const result = await this.client.post(url, headers, Buffer.from(event.body));
    if (result.kind !== 'answered') return { reason: result.reason };
    const { status } = result;
    if (status >= 200 && status < 300) return null;
    const waitMs = readRetryAfter(result.headers['retry-after'], this.clock.now());
    return { reason: `answered ${status}`, waitMs, isGone: status === GONE };
  }
}
