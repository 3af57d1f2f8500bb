import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ApiError } from '../common/errors.js';
import { CONFIG } from '../common/tokens.js';
import type { Config, Quota } from '../config.js';

/** How long the count of an application that is far from its quota is used. */
const FRESH_MS = 10_000;
/** Below this share of the quota an application counts as far from it. */
const FAR = 0.9;
/**
 * Near the quota a count is used for this many times its duration: counting takes at most 5 % of the database's time.
 */
const REST = 20;
/** The number of remembered counts, four per application. */
const MOST_COUNTS = 10_000;

interface Count {
  amount: number;
  countedAt: number;
  freshMs: number;
}

/** The setting of each quota, and its name in errors. */
const NAMES: Record<Quota, { setting: string; things: string }> = {
  campaigns: { setting: 'QUOTA_CAMPAIGNS', things: 'campaigns' },
  tags: { setting: 'QUOTA_TAGS', things: 'tags' },
  scheduledMessages: { setting: 'QUOTA_SCHEDULED_MESSAGES', things: 'scheduled messages' },
  devices: { setting: 'QUOTA_DEVICES', things: 'devices' },
};

/**
 * Limits the campaigns, tags, scheduled messages and devices of one application. Each process caches the database's
 * count for a while: several processes together can exceed a quota by the additions of ten seconds.
 */
@Injectable()
export class Quotas {
  private readonly counts = new Map<string, Count>();
  private readonly counting = new Map<string, Promise<Count>>();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'quotas'>,
    private readonly clock: Clock,
  ) {}

  /**
   * Returns how many of `wanted` more the application may have, and counts them as added. `count` asks the database.
   */
  async grant(quota: Quota, applicationId: string, wanted: number, count: () => Promise<number>): Promise<number> {
    if (wanted === 0) return 0;
    const known = await this.look(quota, applicationId, wanted, count);
    const granted = Math.max(0, Math.min(wanted, this.config.quotas[quota] - known.amount));
    known.amount += granted;
    return granted;
  }

  /** Grants all of `wanted` or none. Throws CARIL0409E. */
  async take(quota: Quota, applicationId: string, wanted: number, count: () => Promise<number>): Promise<void> {
    if (wanted === 0) return;
    const known = await this.look(quota, applicationId, wanted, count);
    if (known.amount + wanted > this.config.quotas[quota]) throw this.reached(quota);
    known.amount += wanted;
  }

  reached(quota: Quota): ApiError {
    const { setting, things } = NAMES[quota];
    const most = this.config.quotas[quota];
    return new ApiError('CARIL0409E', `An application can have ${most} ${things} at most (the setting ${setting}).`);
  }

  /** The cached count if it is recent enough, otherwise a new one. */
  private async look(
    quota: Quota,
    applicationId: string,
    wanted: number,
    count: () => Promise<number>,
  ): Promise<Count> {
    const key = `${quota} ${applicationId}`;
    const known = this.counts.get(key);
    if (!known) return this.recount(key, count);
    const isFar = known.amount + wanted <= this.config.quotas[quota] * FAR;
    const age = this.clock.elapsed() - known.countedAt;
    return age >= (isFar ? FRESH_MS : known.freshMs) ? this.recount(key, count) : known;
  }

  /** Concurrent callers share a count. */
  private recount(key: string, count: () => Promise<number>): Promise<Count> {
    const underWay = this.counting.get(key);
    if (underWay) return underWay;
    const counted = this.countNow(key, count).finally(() => this.counting.delete(key));
    this.counting.set(key, counted);
    return counted;
  }

  private async countNow(key: string, count: () => Promise<number>): Promise<Count> {
    const began = this.clock.elapsed();
    const amount = await count();
    const countedAt = this.clock.elapsed();
    const counted = { amount, countedAt, freshMs: Math.min(FRESH_MS, REST * (countedAt - began)) };
    if (this.counts.size >= MOST_COUNTS) this.counts.clear();
    this.counts.set(key, counted);
    return counted;
  }
}
