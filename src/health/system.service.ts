import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { SECOND_MS } from '../common/durations.js';
import { ServedCertificate } from '../common/served-certificate.js';
import { DATABASE } from '../database/database.module.js';
import { probeWrites } from '../database/database.js';
import type { Database } from '../database/database.js';
import { Queues } from '../queue/queue.js';
import type { QueueDepth } from '../queue/queue.js';
import {
  QUEUE_DOWN,
  READ_ONLY,
  STANDBY_BEHIND,
  isClockWrong,
  ofAudit,
  ofCertificate,
  ofClock,
  ofCredential,
  ofMissing,
  ofPause,
  ofSecret,
  ofStop,
  ofWebhook,
} from './problems.js';
import type { Problem } from './problems.js';
import { ProcessRepository } from './process.repository.js';
import type { ProcessReport } from './process.repository.js';
import { SystemRepository } from './system.repository.js';
import type { AuditState, OldestPending } from './system.repository.js';

/** However many callers look, a process reads this often. */
const KEPT_MS = SECOND_MS;

export interface SystemReport {
  at: Date;
  processes: ProcessReport[];
  /** Null while the queue is unavailable. */
  queue: QueueDepth[] | null;
  oldestPending: OldestPending[];
  migrations: { applied: number; pending: number };
  audit: AuditState;
  problems: Problem[];
}

/** The state of the whole installation, kept for a second. */
@Injectable()
export class SystemService {
  private kept: { report: Promise<SystemReport>; at: number } | null = null;
  /** Since when each trouble that leaves no row has been seen by this process. */
  private readonly seen = new Map<Problem['code'], Date>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly queues: Queues,
    private readonly processes: ProcessRepository,
    private readonly rows: SystemRepository,
    private readonly clock: Clock,
    private readonly certificate: ServedCertificate,
  ) {}

  read(): Promise<SystemReport> {
    const now = this.clock.elapsed();
    if (this.kept === null || now - this.kept.at > KEPT_MS) {
      const report = this.look();
      this.kept = { report, at: now };
      // A failure is not kept: the next caller looks again.
      report.catch(() => (this.kept = null));
    }
    return this.kept.report;
  }

  private async look(): Promise<SystemReport> {
    const [isWritable, depths, isStandbyUsed, processes, missing, oldestPending, migrations, audit, ...found] =
      await Promise.all([
        succeeds(probeWrites(this.database)),
        this.queues.depths().catch(() => null),
        this.database.standby === null || this.database.standby.asOf().then((asOf) => asOf !== null),
        this.processes.list(),
        this.processes.missing(),
        this.rows.oldestPending(),
        this.rows.migrations(),
        this.rows.audit(),
        this.rows.stoppedApplications(),
        this.rows.pausedProviders(),
        this.rows.endingCredentials(),
        this.rows.failingWebhooks(),
        this.rows.endingSecrets(),
      ]);
    const isQueueUsed = depths !== null && (await succeeds(this.queues.ping()));
    const [stops, pauses, credentials, webhooks, secrets] = found;
    const at = new Date(this.clock.now());
    const certificateEnd = this.certificate.endsSoon(at.getTime());
    const problems = [
      ...this.since(READ_ONLY, !isWritable, at),
      ...this.since(QUEUE_DOWN, !isQueueUsed, at),
      ...processes.filter(isClockWrong).map(ofClock),
      ...this.since(STANDBY_BEHIND, !isStandbyUsed, at),
      ...ofAudit(audit, at.getTime()),
      ...missing.map(ofMissing),
      ...stops.map(ofStop),
      ...pauses.map(ofPause),
      ...credentials.map((each) => ofCredential(each, at.getTime())),
      ...(certificateEnd ? [ofCertificate(certificateEnd)] : []),
      ...secrets.map(ofSecret),
      ...webhooks.map(ofWebhook),
    ];
    return { at, processes, queue: depths, oldestPending, migrations, audit, problems };
  }

  private since(problem: Omit<Problem, 'since'>, isThere: boolean, now: Date): Problem[] {
    if (!isThere) {
      this.seen.delete(problem.code);
      return [];
    }
    const since = this.seen.get(problem.code) ?? now;
    this.seen.set(problem.code, since);
    return [{ ...problem, since }];
  }
}

function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}
