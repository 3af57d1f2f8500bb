import { setTimeout as delay } from 'node:timers/promises';
import type { RunningSimulators } from '../../test/simulators/client.js';
import type { FaultRule } from '../../test/simulators/shared/faults.js';
import type { CrowdProvider } from './crowd.js';

/** Median answer time without faults, ms. */
const CALM_MS: Record<CrowdProvider, number> = { apns: 60, fcm: 90, 'web-push': 120 };
const SETTINGS = { apns: 'apns', fcm: 'fcm', 'web-push': 'webPush' } as const;

/** Temporary faults of the providers; several may overlap. */
export class Weather {
  private rules: FaultRule[] = [];
  private readonly passing = new Set<Promise<void>>();

  constructor(private readonly simulators: RunningSimulators) {}

  async calm(): Promise<void> {
    for (const provider of Object.keys(CALM_MS) as CrowdProvider[]) await this.setLatency(provider, CALM_MS[provider]);
  }

  async fault(rule: FaultRule, forMs: number): Promise<void> {
    await this.simulators.admin.setFaults((this.rules = [...this.rules, rule]));
    this.pass(forMs, () => this.simulators.admin.setFaults((this.rules = this.rules.filter((each) => each !== rule))));
  }

  async slow(provider: CrowdProvider, latencyMs: number, forMs: number): Promise<void> {
    await this.setLatency(provider, latencyMs);
    this.pass(forMs, () => this.setLatency(provider, CALM_MS[provider]));
  }

  /** Resolves when all faults are over. */
  async clear(): Promise<void> {
    await Promise.all(this.passing);
  }

  private pass(forMs: number, end: () => Promise<void>): void {
    const passed = delay(forMs).then(end);
    this.passing.add(passed);
  }

  private async setLatency(provider: CrowdProvider, latencyMs: number): Promise<void> {
    await this.simulators.admin.changeSettings({ [SETTINGS[provider]]: { latencyMs } });
  }
}
