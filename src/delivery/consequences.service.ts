import { Injectable, Logger } from '@nestjs/common';
import { ProviderSettingRepository } from '../applications/provider-setting.repository.js';
import { Clock } from '../common/clock.js';
import { rootCause } from '../common/errors.js';
import { DeviceRepository } from '../devices/device.repository.js';
import type { ProviderName } from '../providers/provider.js';
import { BatchRepository } from './batch.repository.js';
import type { LeasedBatch } from './batch.js';
import type { Findings } from './findings.js';
import { InvalidationGuard } from './invalidation-guard.js';
import { PaceRepository } from './pace.repository.js';

/** What a provider's answers mean beyond their batch: devices that go, a slower pace, an application that is paused. */
@Injectable()
export class ConsequencesService {
  private readonly log = new Logger('Delivery');
  private readonly guards = new Map<string, InvalidationGuard>();

  constructor(
    private readonly devices: DeviceRepository,
    private readonly settings: ProviderSettingRepository,
    private readonly batches: BatchRepository,
    private readonly pace: PaceRepository,
    private readonly clock: Clock,
  ) {}

  /** Never rejects: what fails is logged, and the answers themselves are recorded all the same. May add a stop to the findings. */
  async apply(batch: LeasedBatch, findings: Findings): Promise<void> {
    const { applicationId, provider } = batch;
    await this.attempt('retiring devices', () => this.retire(batch, findings));
    const { slowUntil, stop } = findings;
    if (slowUntil !== undefined) await this.attempt('slowing down', () => this.slowDown(batch, findings, slowUntil));
    if (stop === undefined || batch.settingsVersion === null) return;
    const version = batch.settingsVersion;
    await this.attempt('pausing the application', async () => {
      if (!(await this.settings.pause(applicationId, provider, version, stop))) return;
      this.log.error(`Application ${applicationId} is paused at ${provider}: ${stop}`);
      await this.batches.park(applicationId, provider);
    });
  }

  private async attempt(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.log.error(`${what} failed, the next batch that meets the same will do it: ${rootCause(error)}`);
    }
  }

  private async retire(batch: LeasedBatch, findings: Findings): Promise<void> {
    const { applicationId, provider } = batch;
    const guard = this.guardFor(applicationId, provider);
    const suspects = [...findings.suspects.values()].reduce((sum, seqs) => sum + seqs.length, 0);
    guard.note(findings.accepted, suspects);
    const believed = guard.mayRetire();
    if (!believed && guard.mustPause()) {
      const [reason] = findings.suspects.keys();
      findings.stop ??= `most devices were answered ${reason ?? 'as unknown'}: the credentials or the environment are wrong`;
      this.guards.delete(guardKey(applicationId, provider));
    }
    const sentAt = new Date(batch.terms.now);
    const found = believed ? [...findings.dead, ...findings.suspects] : findings.dead;
    for (const [reason, seqs] of found) await this.devices.retire(seqs, reason, sentAt);
  }

  private async slowDown(batch: LeasedBatch, findings: Findings, untilMs: number): Promise<void> {
    const { applicationId, provider } = batch;
    const seconds = Math.max(1, this.clock.now() - batch.terms.now) / 1_000;
    await this.pace.slowDown(batch, untilMs, findings.accepted / seconds);
    const reason = findings.lastReason ?? 'no reason given';
    this.log.warn(`Application ${applicationId} slows down at ${provider}: ${reason}`);
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
