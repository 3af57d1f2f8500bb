import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Clock } from '../../common/clock.js';
import { MINUTE_MS } from '../../common/durations.js';
import { tellFailure } from '../../common/outage.js';
import { inSpan } from '../../common/tracing.js';
import { DatabaseWatch } from '../../database/database-watch.js';
import type { ProviderName, Verdict } from '../../providers/provider.js';
import { withLife } from '../../providers/shared/time-to-live.js';
import type { Lane } from '../../queue/jobs.js';
import { BatchRepository, mayTakeOver } from '../batch.repository.js';
import type { Ending } from '../batch.repository.js';
import { ClaimService } from './claim.service.js';
import type { LeasedBatch } from '../batch.js';
import { ClockSteps, follow } from './clock-steps.js';
import { ConsequencesService } from './consequences.service.js';
import { DeliveryQueue } from '../delivery.queue.js';
import { UrgentBatchRepository } from './urgent-batch.repository.js';
import { noFindings, note } from './findings.js';
import type { Findings } from './findings.js';
import type { BatchLedger } from '../ledger.js';
import { OUTCOME, OUTCOME_NAMES } from '../outcome.js';
import { countOutcomes } from './outcome-count.js';
import { Recall } from './recall.js';
import { ReceiptTokens } from './receipt-tokens.js';
import { RecipientsService } from './recipients.service.js';
import type { DueRecipient } from './recipients.service.js';
import { decide } from '../retry-policy.js';
import type { Decision } from '../retry-policy.js';
import { Senders } from './senders.js';
import type { OpenSender } from './senders.js';
import { StatusReporter } from './status-reporter.js';

/** Outcomes are recorded this often while a batch is being sent; the lease lasts ten times as long. */
const CHECKPOINT_MS = 1_000;

/** A provider without settings (the sandbox) cannot be paused after a stop. */
const UNPAUSABLE_WAIT_MS = MINUTE_MS;

const HELD_SPREAD_MS = 1_000;

/** Wait of a batch that could not be begun or finished because of a fault of ours or of the database. */
const FAULT_WAIT_MS = 5_000;

/** While the database is unreachable, the answers of providers are kept, and recorded when it is back. */
const RECORD_AGAIN_MS = 250;

/** A lease that was not renewed for this long may soon belong to another worker, so nothing new is written under it. */
const STOP_WRITING_MS = 7_000;

const ACCEPTED: Decision = { outcome: OUTCOME.accepted };

/**
 * Sends one batch: lease, send, record, decide. If the process ends at any point, the ledger continues from its rows.
 */
@Injectable()
export class DeliverService {
  private readonly log = new Logger('Delivery');
  private stopping = false;

  constructor(
    private readonly claims: ClaimService,
    private readonly urgent: UrgentBatchRepository,
    private readonly batches: BatchRepository,
    private readonly recipients: RecipientsService,
    private readonly receiptTokens: ReceiptTokens,
    private readonly consequences: ConsequencesService,
    private readonly senders: Senders,
    private readonly queue: DeliveryQueue,
    private readonly status: StatusReporter,
    private readonly recall: Recall,
    private readonly watch: DatabaseWatch,
    private readonly clock: Clock,
  ) {}

  /** Claims and delivers a batch. Resolves and rejects as `begin`. */
  async deliverBatch(id: number, provider: ProviderName, lane: Lane): Promise<void> {
    const rest = await this.begin(id, provider, lane);
    await rest?.();
  }

  /**
   * Claims a batch and returns the rest of its delivery: sending and recording. Returns null if the batch is held by
   * another worker or has nothing to do. Rejects before anything is written if the database is unreachable or this
   * host's clock is too far from the database's: another worker may take the job.
   */
  async begin(id: number, provider: ProviderName, lane: Lane): Promise<(() => Promise<void>) | null> {
    if (this.stopping) return null;
    if (!this.watch.isClockUsable) throw new Error('The clock is wrong: nothing is sent');
    const steps = new ClockSteps(this.clock);
    const batch = await this.claim(id, provider, lane);
    if (!batch) return null;
    if (!('delayMs' in batch)) return () => this.trace(batch, () => this.complete(batch, steps));
    await this.queue.enqueueBatches([batch]);
    return null;
  }

  /** The parts of the delivery belong to the span of the batch. */
  private trace(batch: LeasedBatch, work: () => Promise<void>): Promise<void> {
    const { applicationId, provider, notification, id } = batch;
    const of = { 'carillon.application': applicationId, 'carillon.provider': provider, 'carillon.batch': id };
    return inSpan('deliver batch', batch.traceparent, { ...of, 'carillon.message': notification.messageId }, (span) => {
      batch.traceparent = span.traceparent;
      return work();
    });
  }

  private async complete(batch: LeasedBatch, steps: ClockSteps): Promise<void> {
    const findings = batch.due.length > 0 ? await this.send(batch, steps) : null;
    if (findings) follow(steps, batch, findings);
    if (findings) await this.consequences.apply(batch, findings, steps.any ? null : this.clock.now());
    await this.finish(batch, findings);
  }

  private async claim(id: number, provider: ProviderName, lane: Lane): ReturnType<ClaimService['claim']> {
    const [terms, now] = [this.senders.terms(provider), this.clock.now()];
    const urgent = lane === 'urgent' ? await this.urgent.claim(id, terms, now) : null;
    return urgent ?? this.claims.claim(id, terms, now, mayTakeOver(this.watch));
  }

  /** Requests in flight get their answer; unwritten deliveries stay pending for the next process. */
  stopSending(): void {
    this.stopping = true;
    this.recall.stop();
  }

  /** Returns null if the lease expired while sending; the new holder records the outcomes. */
  private async send(batch: LeasedBatch, steps: ClockSteps): Promise<Findings | null> {
    const findings = noFindings();
    const ready = await this.prepare(batch, findings);
    if (!ready) return findings;
    const { sender, recipients } = ready;
    const abort = this.recall.enter(batch);
    const checkpoints = this.keepCheckpoints(batch, abort, () => follow(steps, batch, findings));
    try {
      await this.sendAll(sender, batch, recipients, findings, steps, abort.signal);
    } catch (error) {
      // A fault of ours. Answered deliveries are kept; the rest is in flight, and the next claim calls it unknown.
      tellFailure(this.log, `Batch ${batch.id} was not sent to its end`, error, 'error');
      findings.heldUntil = this.clock.now() + FAULT_WAIT_MS;
    } finally {
      this.recall.leave(abort);
      await checkpoints.stop();
    }
    this.status.note(batch, findings, () => sender.stats());
    return checkpoints.leaseLost() ? null : findings;
  }

  /** Returns null if there is nothing to send now. After a fault, the deliveries wait; none of them was written. */
  private async prepare(
    batch: LeasedBatch,
    findings: Findings,
  ): Promise<{ sender: OpenSender; recipients: DueRecipient[] } | null> {
    try {
      const sender = await this.senders.get(batch.applicationId, batch.provider, batch.settingsVersion);
      if (sender) {
        const recipients = await this.recipients.find(batch);
        this.receiptTokens.addTo(batch, recipients);
        return { sender, recipients };
      }
      const reason = `${batch.provider} is not configured for this application`;
      for (const position of batch.due) batch.ledger.record(position, { outcome: OUTCOME.failed, reason }, false);
    } catch (error) {
      tellFailure(this.log, `Batch ${batch.id} could not be begun`, error, 'error');
      batch.ledger.giveBack(batch.due);
      findings.heldUntil = this.clock.now() + FAULT_WAIT_MS;
    }
    return null;
  }

  private async sendAll(
    sender: OpenSender,
    batch: LeasedBatch,
    recipients: readonly DueRecipient[],
    findings: Findings,
    steps: ClockSteps,
    signal: AbortSignal,
  ): Promise<void> {
    const { nowOrNever } = batch.notification;
    const report = (index: number, told: Verdict): void => {
      const recipient = recipients[index];
      if (!recipient) throw new Error(`${batch.provider} reported on a recipient it was not given`);
      const { position, seq } = recipient;
      // Fast path for nearly all of a million verdicts: an acceptance needs no decision.
      if (told.action === 'accept' && told.receipt === undefined && told.peer === undefined) {
        batch.ledger.record(position, ACCEPTED, true);
        findings.accepted++;
        return;
      }
      follow(steps, batch, findings);
      const verdict = batch.isProbe ? ofProbe(told) : nowOrNever ? withLife(told, 0) : told;
      const situation = batch.ledger.situation(position, batch.terms, this.clock.now(), Math.random());
      const written = verdict.action !== 'notSent' && verdict.action !== 'held';
      batch.ledger.record(position, decide(verdict, situation), written);
      note(findings, verdict, seq, situation.now);
    };
    const of = { 'carillon.provider': batch.provider, 'carillon.deliveries': recipients.length };
    await inSpan(batch.provider === 'upstream' ? 'relay' : 'send', batch.traceparent, of, async (span) => {
      await sender.send(batch.notification, recipients, report, signal);
      span.note(() => namedCounts(batch.ledger));
    });
  }

  /**
   * Records and renews the lease every second. Aborts the send if the message is cancelled or paused, or if the lease
   * is lost or cannot be renewed.
   */
  private keepCheckpoints(
    batch: LeasedBatch,
    abort: AbortController,
    before: () => void,
  ): { stop: () => Promise<void>; leaseLost: () => boolean } {
    let lost = false;
    let running: Promise<void> = Promise.resolve();
    let renewedAt = performance.now();
    const timer = setInterval(() => {
      if (performance.now() - renewedAt > STOP_WRITING_MS) abort.abort();
      running = running.then(async () => {
        try {
          const startedAt = performance.now();
          before();
          const kept = await this.batches.checkpoint(batch);
          if (kept) countOutcomes(batch, this.clock.now());
          renewedAt = startedAt;
          lost ||= kept === null;
          if (lost || kept?.messageState === 'cancelled' || kept?.messageState === 'paused') abort.abort();
        } catch (error) {
          tellFailure(this.log, `Batch ${batch.id}: checkpoint failed`, error);
        }
      });
    }, CHECKPOINT_MS);
    return {
      stop: () => {
        clearInterval(timer);
        return running;
      },
      leaseLost: () => lost,
    };
  }

  private async finish(batch: LeasedBatch, findings: Findings | null): Promise<void> {
    const ending = this.endingOf(batch, findings);
    const finished = await this.record(batch, ending);
    if (!finished) {
      this.log.warn(`Batch ${batch.id}: the lease was lost; another worker has it`);
      return;
    }
    countOutcomes(batch, this.clock.now());
    await this.queue.enqueueBatches(finished.promoted);
    if (finished.state === 'ready' && ending.waitMs !== null && !this.stopping)
      await this.queue.enqueueBatches([batch], ending.waitMs);
  }

  private async endLease(batch: LeasedBatch, ending: Ending): ReturnType<BatchRepository['finish']> {
    if (!batch.isWhole || ending.state !== 'done') return this.batches.finish(batch, ending);
    return (await this.urgent.end(batch)) ? { state: 'done', promoted: [] } : null;
  }

  private endingOf(batch: LeasedBatch, findings: Findings | null): Ending {
    const stopped = findings?.stop !== undefined;
    const now = this.clock.now();
    // Random spread, so that batches that wait for the same host do not all return at once.
    const heldUntil = findings?.heldUntil === undefined ? 0 : findings.heldUntil + Math.random() * HELD_SPREAD_MS;
    const dueAt = batch.ledger.nextDue(now, heldUntil);
    if (dueAt === null) return { state: 'done', waitMs: null };
    // Without settings, the provider cannot be paused, so the batch is tried again later.
    const later = Math.max(dueAt, stopped ? now + UNPAUSABLE_WAIT_MS : now);
    // At the message's end at the latest, so that it expires on time.
    const waitMs = Math.max(0, Math.min(later, batch.terms.expiresAt) - now);
    return { state: stopped && batch.settingsVersion !== 0 ? 'parked' : 'ready', waitMs };
  }

  /**
   * Repeats until the outcomes are recorded or a newer lease fences this one off, because only this process knows the
   * answers. Meanwhile the batch keeps its place among those sent at once, which limits the memory. If a commit's
   * answer was lost, the repeat finds the lease ended, and the sweeper queues the promoted batches.
   */
  private async record(batch: LeasedBatch, ending: Ending): ReturnType<BatchRepository['finish']> {
    for (let told = false; ; told = true) {
      try {
        return await this.endLease(batch, ending);
      } catch (error) {
        if (!told) tellFailure(this.log, `Batch ${batch.id} could not be recorded yet`, error);
        await delay(RECORD_AGAIN_MS);
      }
    }
  }
}

/** If the probe gets an uncertain removal, the application stays paused and the delivery waits. */
function ofProbe(verdict: Verdict): Verdict {
  if (verdict.action !== 'dropDevice' || verdict.certain) return verdict;
  return { action: 'stopApplication', reason: verdict.reason };
}

/** Attributes of a span: deliveries of the batch by outcome. */
function namedCounts(ledger: BatchLedger): Record<string, number> {
  return Object.fromEntries(ledger.counts().map((count, code) => [`carillon.${OUTCOME_NAMES[code]}`, count]));
}
