import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { Gauge, collectDefaultMetrics } from 'prom-client';
import { setTimeout as delay } from 'node:timers/promises';
import { Clock } from '../common/clock.js';
import { SECOND_MS } from '../common/durations.js';
import { applications, forget, openConnections, registry } from '../common/meters.js';
import { Rounds } from '../common/rounds.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import { ProcessRepository } from '../health/process.repository.js';
import type { MissingRole } from '../health/process.repository.js';
import { Queues } from '../queue/queue.js';
import type { QueueDepth } from '../queue/queue.js';
import { FIGURES, bound } from './figures.js';
import type { FigureName, Sample, Samples } from './figures.js';
import { FiguresRepository } from './figures.repository.js';

/** One process reads the rows this often, for all; the usual interval of scrapes is longer. */
const EVERY_S = 10;
/** A scrape waits for the rows this long, and shows the last figures otherwise. */
const PATIENCE_MS = 150;
/** Older figures are not shown: an alert of theirs would never end, and one of their age begins. */
const STALE_MS = 60 * SECOND_MS;

const GAUGES = new Map(
  Object.entries(FIGURES).map(([name, { help, labels }]) => [
    name as FigureName,
    new Gauge({ name, help, labelNames: labels, registers: [registry] }),
  ]),
);
const READ_AT = new Gauge({
  name: 'carillon_figures_read_timestamp_seconds',
  help: 'When the metrics that come from rows were read',
  registers: [registry],
});

/**
 * The metrics of the process, and those of the rows. A scrape asks for the rows, so that they are read while any
 * process is left that can be scraped, and not at all without scrapes.
 */
@Injectable()
export class FiguresService implements OnApplicationBootstrap {
  private readonly rounds = new Rounds(new Logger('Metrics'), 'Reading the rows of metrics', () => this.look());
  private underWay: Promise<void> | null = null;
  /** When the shown figures were read: by the database's clock, and by one of this process that never steps. */
  private shown = { takenAt: 0, at: -Infinity };

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CONFIG) private readonly config: Pick<Config, 'metrics'>,
    private readonly figures: FiguresRepository,
    private readonly processes: ProcessRepository,
    private readonly queues: Queues,
    private readonly clock: Clock,
  ) {
    applications.most = config.metrics.applications;
  }

  /** Before the first count, the process knows the applications that have names. */
  async onApplicationBootstrap(): Promise<void> {
    await this.rounds.go();
  }

  /** In the format of Prometheus. */
  async render(): Promise<string> {
    // Measures the event loop from now on.
    if (!registry.getSingleMetric('process_cpu_seconds_total')) collectDefaultMetrics({ register: registry });
    this.underWay ??= this.rounds.go().finally(() => (this.underWay = null));
    await Promise.race([this.underWay, delay(PATIENCE_MS, undefined, { ref: false })]);
    if (this.clock.elapsed() - this.shown.at > STALE_MS) for (const gauge of GAUGES.values()) gauge.reset();
    await openConnections.read();
    return registry.metrics();
  }

  private async look(): Promise<void> {
    const last = await this.figures.last();
    if (last.ageS >= EVERY_S && (await this.figures.take(EVERY_S))) await this.read();
    const { applications: registered, samples, takenAt, ageS } = await this.figures.last();
    if (takenAt.getTime() === this.shown.takenAt) return;
    forget(applications.renew(registered));
    for (const [name, gauge] of GAUGES) {
      gauge.reset();
      for (const { labels, value } of samples[name] ?? []) gauge.set(named(name, labels), value);
    }
    READ_AT.set(takenAt.getTime() / SECOND_MS);
    this.shown = { takenAt: takenAt.getTime(), at: this.clock.elapsed() - ageS * SECOND_MS };
  }

  private async read(): Promise<void> {
    const depths = await this.queues.depths().catch(() => null);
    const isQueueUp = depths !== null && (await this.queues.ping().then(succeed, fail));
    const most = this.config.metrics.applications;
    const figures = await inTransaction(this.database, async (tx) => {
      await this.figures.boundTime(tx);
      const samples = {
        ...(await this.figures.samples(tx)),
        ...ofQueue(depths ?? [], isQueueUp),
        ...ofMissing(await this.processes.missing(tx)),
      };
      return bound(await this.figures.applications(most, tx), most, samples);
    });
    await this.figures.keep(figures);
  }
}

function named(name: FigureName, labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(FIGURES[name].labels.map((label, index) => [label, labels[index] ?? '']));
}

function ofQueue(depths: readonly QueueDepth[], isUp: boolean): Samples {
  return {
    carillon_queue_up: [{ labels: [], value: isUp ? 1 : 0 }],
    carillon_queue_jobs: depths.flatMap(({ name, ...states }) =>
      Object.entries(states).map(([state, value]): Sample => ({ labels: [name, state], value })),
    ),
  };
}

function ofMissing(missing: readonly MissingRole[]): Samples {
  const roles = new Set(missing.map(({ role }) => role));
  return {
    carillon_role_missing: (['worker', 'scheduler'] as const).map((role) => ({
      labels: [role],
      value: roles.has(role) ? 1 : 0,
    })),
  };
}

const succeed = (): boolean => true;
const fail = (): boolean => false;
