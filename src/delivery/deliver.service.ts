import { Injectable, Logger } from '@nestjs/common';
import { ProviderSettingRepository } from '../applications/provider-setting.repository.js';
import { Clock } from '../common/clock.js';
import { DeviceRepository } from '../devices/device.repository.js';
import { missingValue } from '../providers/placeholders.js';
import type { ProviderName, Recipient, Sender, Verdict } from '../providers/provider.js';
import { withLife } from '../providers/time-to-live.js';
import { BatchRepository } from './batch.repository.js';
import { ClaimRepository } from './claim.repository.js';
import type { LeasedBatch } from './batch.js';
import { RELAY_SEQ } from './batching.js';
import { DeliveryQueue } from './delivery.queue.js';
import { InvalidationGuard } from './invalidation-guard.js';
import { OUTCOME } from './outcome.js';
import { PaceRepository } from './pace.repository.js';
import { decide } from './retry-policy.js';
import type { Decision } from './retry-policy.js';
import { Senders } from './senders.js';
import { StatusReporter } from './status-reporter.js';
import { valuesFor } from './values.js';
import { ValuesRepository } from './values.repository.js';

/** What is known is recorded this often while a batch is being sent; the lease lasts ten times as long. */
const CHECKPOINT_MS = 1_000;

/** A provider without settings (the sandbox) cannot be paused when it says stop. */
const UNPAUSABLE_WAIT_MS = 60_000;

const HELD_SPREAD_MS = 1_000;

const ACCEPTED: Decision = { outcome: OUTCOME.accepted };

/** What stands where a device does in a relayed message. */
const UPSTREAM = { token: '', platform: '', registeredAt: 0, seq: RELAY_SEQ };

/** A device to write to, and its place in the batch. */
interface DueRecipient extends Recipient {
  position: number;
  seq: number;
}

/** What a batch's verdicts ask for beyond its own ledger. */
interface Findings {
  accepted: number;
  /** Device seqs whose token the provider called dead, by reason. */
  dead: Map<string, number[]>;
  /** The same, where wrong credentials would look alike. */
  suspects: Map<string, number[]>;
  stop?: string;
  /** The provider asked the application to slow down: nothing until then, epoch ms. */
  slowUntil?: number;
  /** Their host is left alone until then, epoch ms. */
  heldUntil?: number;
  /** The provider's last word of trouble. */
  lastReason?: string;
}

/** Sends one batch: lease, send, record, decide. Whatever happens to the process, the ledger can go on from its rows. */
@Injectable()
export class DeliverService {
  private readonly log = new Logger('Delivery');
  private readonly guards = new Map<string, InvalidationGuard>();
  /** Aborts what this process has not written yet, so that a shutdown ends in time. */
  private readonly shutdown = new AbortController();

  constructor(
    private readonly claims: ClaimRepository,
    private readonly batches: BatchRepository,
    private readonly devices: DeviceRepository,
    private readonly senders: Senders,
    private readonly settings: ProviderSettingRepository,
    private readonly pace: PaceRepository,
    private readonly values: ValuesRepository,
    private readonly queue: DeliveryQueue,
    private readonly status: StatusReporter,
    private readonly clock: Clock,
  ) {}

  /** Side by side; a failure of one is told when all have ended, and the others are done when they are tried again. */
  async deliverBatches(ids: readonly number[], provider: ProviderName): Promise<void> {
    const results = await Promise.allSettled(ids.map((id) => this.deliverBatch(id, provider)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Resolves when the batch is recorded, is somebody else's, or has nothing to do. Rejects when the database is away. */
  async deliverBatch(id: number, provider: ProviderName): Promise<void> {
    if (this.shutdown.signal.aborted) return;
    const batch = await this.claims.claim(id, this.senders.terms(provider), this.clock.now());
    if (!batch) return;
    if ('postponedTo' in batch) return this.queue.enqueueBatches([batch], batch.postponedTo - this.clock.now());
    const findings = batch.due.length > 0 ? await this.send(batch) : null;
    if (findings) await this.apply(batch, findings);
    await this.finish(batch, findings);
  }

  /** What is in flight gets its answer; what is not written yet stays pending for the next process. */
  stopSending(): void {
    this.shutdown.abort();
  }

  /** Null: the lease was lost on the way, and its new holder has the word. */
  private async send(batch: LeasedBatch): Promise<Findings | null> {
    const sender = await this.senders.get(batch.applicationId, batch.provider, batch.settingsVersion);
    const findings: Findings = { accepted: 0, dead: new Map(), suspects: new Map() };
    if (!sender) {
      const reason = `${batch.provider} is not configured for this application`;
      for (const position of batch.due) batch.ledger.record(position, { outcome: OUTCOME.failed, reason }, false);
      return findings;
    }
    const recipients = await this.findRecipients(batch);
    const abort = new AbortController();
    const checkpoints = this.keepCheckpoints(batch, abort);
    try {
      await this.sendAll(sender, batch, recipients, findings, abort.signal);
    } finally {
      await checkpoints.stop();
    }
    this.status.note(batch, findings, () => sender.stats());
    return checkpoints.leaseLost() ? null : findings;
  }

  private async sendAll(
    sender: Sender,
    batch: LeasedBatch,
    recipients: readonly DueRecipient[],
    findings: Findings,
    signal: AbortSignal,
  ): Promise<void> {
    const { nowOrNever } = batch.notification;
    const report = (index: number, told: Verdict): void => {
      const recipient = recipients[index];
      if (!recipient) throw new Error(`${batch.provider} reported on a recipient it was not given`);
      const { position, seq } = recipient;
      // Nearly every one, and a million times: nothing is to be decided.
      if (told.action === 'accept' && told.receipt === undefined) {
        batch.ledger.record(position, ACCEPTED, true);
        findings.accepted++;
        return;
      }
      const verdict = nowOrNever ? withLife(told, 0) : told;
      const situation = batch.ledger.situation(position, batch.terms, this.clock.now(), Math.random());
      const written = verdict.action !== 'notSent' && verdict.action !== 'held';
      batch.ledger.record(position, decide(verdict, situation), written);
      note(findings, verdict, seq, situation.now);
    };
    await sender.send(batch.notification, recipients, report, AbortSignal.any([signal, this.shutdown.signal]));
  }

  /**
   * The due devices that are still registered at the batch's provider, with their values; those that cannot be sent to are
   * settled here. The upstream is no device, and always there.
   */
  private async findRecipients(batch: LeasedBatch): Promise<DueRecipient[]> {
    if (batch.provider === 'upstream') return batch.due.map((position) => ({ ...UPSTREAM, position }));
    const due = batch.due.map((position) => batch.deviceSeqs[position] ?? 0);
    const found = await this.devices.findDeliverable(due, batch.provider);
    const bySeq = new Map(found.map((device) => [device.seq, device]));
    const { placeholders } = batch.notification;
    const sources = placeholders ? await this.values.find(batch.messageSeq, [...bySeq.keys()]) : [];
    const sourceOf = new Map(sources.map((source) => [source.seq, source]));
    const recipients: DueRecipient[] = [];
    for (const position of batch.due) {
      const seq = batch.deviceSeqs[position] ?? 0;
      const device = bySeq.get(seq);
      const source = sourceOf.get(seq);
      if (!device || (placeholders && !source)) {
        const reason = 'the device is no longer registered';
        batch.ledger.record(position, { outcome: OUTCOME.cancelled, reason }, false);
        continue;
      }
      const { token, platform, registeredAt } = device;
      const recipient: DueRecipient = { position, seq, token, platform, registeredAt };
      if (placeholders && source) {
        recipient.values = valuesFor(placeholders, source);
        const missing = missingValue(placeholders, recipient.values);
        if (missing !== undefined) {
          const reason = `missing value '${missing}'`;
          batch.ledger.record(position, { outcome: OUTCOME.failed, reason }, false);
          continue;
        }
      }
      recipients.push(recipient);
    }
    return recipients;
  }

  /** Records and renews the lease every second; aborts the sending of a cancelled or paused message, or of a lost lease. */
  private keepCheckpoints(
    batch: LeasedBatch,
    abort: AbortController,
  ): { stop: () => Promise<void>; leaseLost: () => boolean } {
    let lost = false;
    let running: Promise<void> = Promise.resolve();
    const timer = setInterval(() => {
      running = running.then(async () => {
        try {
          const kept = await this.batches.checkpoint(batch);
          lost ||= kept === null;
          if (lost || kept?.messageState === 'cancelled' || kept?.messageState === 'paused') abort.abort();
        } catch (error) {
          // The database may be back before the lease ends; if not, the lease is what decides.
          this.log.warn(`Batch ${batch.id}: checkpoint failed: ${String(error)}`);
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

  private async apply(batch: LeasedBatch, findings: Findings): Promise<void> {
    const { applicationId, provider } = batch;
    const sentAt = new Date(batch.terms.now);
    for (const [reason, seqs] of findings.dead) await this.devices.retire(seqs, reason, sentAt);
    const guard = this.guardFor(applicationId, provider);
    const suspects = [...findings.suspects.values()].reduce((sum, seqs) => sum + seqs.length, 0);
    guard.note(findings.accepted, suspects);
    if (guard.mayRetire())
      for (const [reason, seqs] of findings.suspects) await this.devices.retire(seqs, reason, sentAt);
    else if (guard.mustPause()) {
      const [reason] = findings.suspects.keys();
      findings.stop ??= `most devices were answered ${reason ?? 'as unknown'}: the credentials or the environment are wrong`;
      this.guards.delete(guardKey(applicationId, provider));
    }
    if (findings.slowUntil !== undefined) await this.slowDown(batch, findings, findings.slowUntil);
    if (findings.stop === undefined || batch.settingsVersion === null) return;
    if (await this.settings.pause(applicationId, provider, batch.settingsVersion, findings.stop))
      this.log.error(`Application ${applicationId} is paused at ${provider}: ${findings.stop}`);
    await this.batches.park(applicationId, provider);
  }

  private async slowDown(batch: LeasedBatch, findings: Findings, untilMs: number): Promise<void> {
    const { applicationId, provider } = batch;
    const seconds = Math.max(1, this.clock.now() - batch.terms.now) / 1_000;
    await this.pace.slowDown(batch, untilMs, findings.accepted / seconds);
    const reason = findings.lastReason ?? 'no reason given';
    this.log.warn(`Application ${applicationId} slows down at ${provider}: ${reason}`);
  }

  private async finish(batch: LeasedBatch, findings: Findings | null): Promise<void> {
    const stopped = findings?.stop !== undefined;
    const now = this.clock.now();
    // What waits for the same host does not come back all at once.
    const heldUntil = findings?.heldUntil === undefined ? 0 : findings.heldUntil + Math.random() * HELD_SPREAD_MS;
    const dueAt = batch.ledger.nextDue(now, heldUntil);
    const canPark = stopped && batch.settingsVersion !== 0;
    const state = dueAt === null ? 'done' : canPark ? 'parked' : 'ready';
    // Without settings there is nothing to pause: it is tried again later.
    const later = Math.max(dueAt ?? 0, stopped ? now + UNPAUSABLE_WAIT_MS : now);
    // At its end at the latest, so that it expires on time.
    const at = Math.max(now, Math.min(later, batch.terms.expiresAt));
    const finished = await this.batches.finish(batch, { state, dueAt: dueAt === null ? null : at });
    if (!finished) {
      this.log.warn(`Batch ${batch.id}: the lease was lost; another worker has it`);
      return;
    }
    await this.queue.enqueueBatches(finished.promoted);
    if (finished.state === 'ready' && dueAt !== null && !this.shutdown.signal.aborted)
      await this.queue.enqueueBatches([batch], at - now);
  }

  private guardFor(applicationId: string, provider: ProviderName): InvalidationGuard {
    const key = guardKey(applicationId, provider);
    const guard = this.guards.get(key) ?? new InvalidationGuard();
    this.guards.set(key, guard);
    return guard;
  }
}

function guardKey(applicationId: string, provider: ProviderName): string {
  return `${provider} ${applicationId}`;
}

function note(findings: Findings, verdict: Verdict, seq: number, now: number): void {
  if (verdict.action === 'accept' || verdict.action === 'acceptDropped') findings.accepted++;
  if ('reason' in verdict) findings.lastReason = verdict.reason;
  if (verdict.action === 'stopApplication') findings.stop ??= verdict.reason;
  if (verdict.action === 'held') findings.heldUntil = Math.max(findings.heldUntil ?? 0, verdict.untilMs);
  if (verdict.action === 'retryAfter' && verdict.scope === 'application')
    findings.slowUntil = Math.max(findings.slowUntil ?? 0, now + verdict.afterMs);
  if (verdict.action !== 'dropDevice') return;
  const list = verdict.certain ? findings.dead : findings.suspects;
  list.set(verdict.reason, [...(list.get(verdict.reason) ?? []), seq]);
}
