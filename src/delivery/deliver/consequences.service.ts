import { Injectable, Logger } from '@nestjs/common';
import { ProviderSettingRepository } from '../../applications/provider-setting.repository.js';
import { Clock } from '../../common/clock.js';
import { DAY_MS } from '../../common/durations.js';
import { countRetired } from '../../common/meters.js';
import { tellFailure } from '../../common/outage.js';
import { DeviceRepository } from '../../devices/device.repository.js';
import { BatchRepository } from '../batch.repository.js';
import type { LeasedBatch } from '../batch.js';
import { resultsOf } from './findings.js';
import type { Findings, PeerFindings } from './findings.js';
import { InvalidationGuard } from './invalidation-guard.js';
import { PaceService } from './pace.service.js';
import { StatusReporter } from './status-reporter.js';

/** If a delivery was accepted within this time, the devices were alive: a wave of removals after it is suspect. */
const LATELY_MS = DAY_MS;
/** Guards that one process remembers; browsers may name any number of origins. */
const GUARDS = 10_000;

/** Applies the effects of a provider's answers beyond their batch: removes devices, slows or pauses the application. */
@Injectable()
export class ConsequencesService {
  private readonly log = new Logger('Delivery');
  private readonly guards = new Map<string, InvalidationGuard>();

  constructor(
    private readonly devices: DeviceRepository,
    private readonly settings: ProviderSettingRepository,
    private readonly batches: BatchRepository,
    private readonly pace: PaceService,
    private readonly status: StatusReporter,
    private readonly clock: Clock,
  ) {}

  /**
   * Never rejects: a failure is logged, and the answers are recorded in any case. May add a stop to the findings.
   * `now`: epoch ms by the clock during the send; null if the clock has stepped since.
   */
  async apply(batch: LeasedBatch, findings: Findings, now: number | null): Promise<void> {
    await this.attempt('retiring devices', () => this.retire(batch, findings));
    const { slowUntil, stop } = findings;
    if (slowUntil !== undefined) await this.attempt('slowing down', () => this.slowDown(batch, findings, slowUntil));
    if (stop !== undefined) await this.attempt('pausing the application', () => this.pause(batch, stop, now));
    else if (batch.isProbe) await this.attempt('ending the pause', () => this.endPause(batch, findings));
  }

  private async pause(batch: LeasedBatch, stop: NonNullable<Findings['stop']>, now: number | null): Promise<void> {
    const { applicationId, provider, settingsVersion } = batch;
    if (settingsVersion === null) return;
    if (!(await this.settings.pause(applicationId, provider, settingsVersion, stop, now))) return;
    this.log.error(`Application ${applicationId} is paused at ${provider}: ${stop.reason}`);
    await this.batches.park(applicationId, provider);
  }

  /**
   * Ends the pause if the provider accepted the probe or certainly called its device dead: the credentials are valid.
   */
  private async endPause(batch: LeasedBatch, findings: Findings): Promise<void> {
    const { applicationId, provider, settingsVersion } = batch;
    const isTold = findings.accepted > 0 || [...findings.peers.values()].some(({ dead }) => dead.size > 0);
    if (!isTold || settingsVersion === null) return;
    if (!(await this.settings.resume(applicationId, provider, settingsVersion))) return;
    this.guards.clear();
    this.log.log(`Application ${applicationId} sends again at ${provider}: the provider accepts its credentials`);
  }

  private async attempt(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      tellFailure(this.log, `${what} failed; the next batch with the same answer repeats it`, error, 'error');
    }
  }

  private async retire(batch: LeasedBatch, findings: Findings): Promise<void> {
    // The usual case without removals; the guard counts its acceptances.
    if (findings.peers.size === 0) return this.guardFor(batch, '').note(resultsOf(findings, ''));
    for (const [peer, { dead, suspects }] of findings.peers) {
      const guard = this.guardFor(batch, peer);
      guard.note(resultsOf(findings, peer));
      // The first send to an old address book may find most tokens dead. Before any acceptance, this is believed.
      const wasAlive = guard.sawAcceptance() || batch.terms.now - (batch.lastSuccessAt ?? 0) < LATELY_MS;
      const isWave = guard.isWave() && wasAlive;
      const believed = guard.mayRetire();
      // For Web Push, the sender holds single origins; one origin says nothing about the others.
      if (!believed && peer === '' && guard.mustPause()) this.stop(batch, findings, suspects);
      await this.retireAll(batch, peer, isWave ? [] : dead, isWave ? dead : []);
      await this.retireAll(batch, peer, believed ? suspects : [], believed ? [] : suspects);
    }
  }

  private stop(batch: LeasedBatch, findings: Findings, suspects: PeerFindings['suspects']): void {
    const [reason = 'as unknown'] = suspects.keys();
    findings.stop ??= {
      reason: `most devices were answered ${reason}: the credentials or the environment are wrong`,
      by: 'guard',
    };
    this.guards.delete(guardKey(batch, ''));
  }

  private async retireAll(
    batch: LeasedBatch,
    peer: string,
    believed: Iterable<[string, number[]]>,
    kept: Iterable<[string, number[]]>,
  ): Promise<void> {
    const sentAt = new Date(batch.terms.now);
    for (const [reason, seqs] of believed) {
      const retired = await this.devices.retire(seqs, reason, sentAt);
      if (retired > 0) countRetired(batch.applicationId, batch.provider, reason, retired);
    }
    for (const [reason, seqs] of kept) {
      const where = peer === '' ? batch.provider : `${batch.provider} (${peer})`;
      const text = `${seqs.length} devices answered ${reason} at ${where} are kept: so many at once are not believed to be dead`;
      this.log.warn(`Application ${batch.applicationId}: ${text}`);
      this.status.trouble(batch, text);
    }
  }

  private async slowDown(batch: LeasedBatch, findings: Findings, untilMs: number): Promise<void> {
    const { applicationId, provider } = batch;
    const ms = this.clock.now() - batch.terms.now;
    // The clock stepped back during the send.
    const seconds = (ms < 0 ? 1_000 : Math.max(1, ms)) / 1_000;
    await this.pace.slowDown(batch, untilMs, findings.accepted / seconds);
    const reason = findings.lastReason ?? 'no reason given';
    this.log.warn(`Application ${applicationId} slows down at ${provider}: ${reason}`);
  }

  private guardFor(batch: LeasedBatch, peer: string): InvalidationGuard {
    const key = guardKey(batch, peer);
    const guard = this.guards.get(key) ?? new InvalidationGuard();
    this.guards.delete(key);
    this.guards.set(key, guard);
    const [oldest] = this.guards.keys();
    if (this.guards.size > GUARDS && oldest !== undefined) this.guards.delete(oldest);
    return guard;
  }
}

function guardKey({ provider, applicationId }: LeasedBatch, peer: string): string {
  return `${provider} ${applicationId} ${peer}`;
}
