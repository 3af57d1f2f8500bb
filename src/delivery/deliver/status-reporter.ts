import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { ProviderStatusRepository } from '../../applications/provider-status.repository.js';
import { Clock } from '../../common/clock.js';
import { Outages, tellFailure } from '../../common/outage.js';
import { Rounds } from '../../common/rounds.js';
import type { ProviderName, SenderStats } from '../../providers/provider.js';
import type { Findings } from './findings.js';

/** Interval of the reports: one small row per application and provider, for operators who watch. */
const EVERY_MS = 5_000;
/** The report at a stop covers less time, in which a finished batch would look like a high rate. */
const LEAST_MS = 1_000;

/** Events at a provider since the last report. */
interface News {
  applicationId: string;
  provider: ProviderName;
  accepted: number;
  /** Of the settings, for the newest batch. */
  settingsVersion: number;
  lastSuccessAt: number | null;
  lastError: { at: number; reason: string } | null;
  stats: () => SenderStats;
}

/** Records in the database how the applications' providers work, so that every process can answer for all. */
@Injectable()
export class StatusReporter implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Delivery');
  private readonly process = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  private readonly outages = new Outages(
    this.log,
    (name) => ({ begins: `${name} takes no messages`, ends: `${name} takes messages again` }),
    'A further upstream',
  );
  private news = new Map<string, News>();
  /** By a clock that never steps. */
  private reportedAt: number;
  private readonly rounds = new Rounds(this.log, 'Recording the status of providers', () => this.report());

  constructor(
    private readonly statuses: ProviderStatusRepository,
    private readonly clock: Clock,
  ) {
    this.reportedAt = clock.elapsed();
  }

  onApplicationBootstrap(): void {
    this.rounds.every(EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.end();
    await this.report();
  }

  /** Call after each batch. */
  note(
    batch: { applicationId: string; provider: ProviderName; settingsVersion: number | null },
    seen: Pick<Findings, 'accepted' | 'lastReason' | 'peers' | 'trouble'>,
    stats: () => SenderStats,
  ): void {
    const { applicationId, provider } = batch;
    // An upstream is the application's own; the others have one host, or many, for all.
    const name = provider === 'upstream' ? `The upstream of ${applicationId}` : provider;
    if (seen.accepted > 0 || seen.peers.size > 0) this.outages.worked(name);
    else if (seen.trouble !== undefined) this.outages.failed(name, seen.trouble);
    const settingsVersion = batch.settingsVersion ?? 0;
    const key = `${provider} ${applicationId}`;
    const known = this.news.get(key) ?? {
      applicationId,
      provider,
      accepted: 0,
      settingsVersion,
      lastSuccessAt: null,
      lastError: null,
      stats,
    };
    const now = this.clock.now();
    this.news.set(key, {
      ...known,
      stats,
      settingsVersion,
      // Deliveries with other settings prove nothing for these.
      accepted: (known.settingsVersion === settingsVersion ? known.accepted : 0) + seen.accepted,
      lastSuccessAt: seen.accepted > 0 ? now : known.lastSuccessAt,
      lastError: seen.lastReason === undefined ? known.lastError : { at: now, reason: seen.lastReason },
    });
  }

  /** Adds a warning for operators beside the provider's reasons. Call `note` before. */
  trouble({ applicationId, provider }: { applicationId: string; provider: ProviderName }, reason: string): void {
    const known = this.news.get(`${provider} ${applicationId}`);
    if (known) known.lastError = { at: this.clock.now(), reason };
  }

  async report(): Promise<void> {
    const news = this.news;
    this.news = new Map();
    const now = this.clock.now();
    const steady = this.clock.elapsed();
    const seconds = Math.max(LEAST_MS, steady - this.reportedAt) / 1_000;
    this.reportedAt = steady;
    for (const {
      applicationId,
      provider,
      accepted,
      settingsVersion,
      lastSuccessAt,
      lastError,
      stats,
    } of news.values()) {
      const process = { ...stats(), rate: accepted / seconds, settingsVersion, reportedAt: now };
      try {
        await this.statuses.report(applicationId, provider, this.process, { lastSuccessAt, lastError, process });
      } catch (error) {
        // Only the status is lost, not the deliveries; the next batch brings the next status.
        tellFailure(this.log, `The status of ${provider} could not be recorded`, error);
      }
    }
  }
}
