import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { freePort } from './servers.js';

const RULES = fileURLToPath(new URL('../../deploy/prometheus/rules.yml', import.meta.url));
const START_MS = 20_000;

export interface Prometheus {
  /** `CarillonNoWorker` or `CarillonProviderPaused com.acme.bank`, of those that fire. */
  firing(): Promise<string[]>;
  /** Waits until all of these fire. */
  untilFiring(alerts: readonly string[], timeout: number): Promise<void>;
  /** Waits until none of these fires. */
  untilOver(alerts: readonly string[], timeout: number): Promise<void>;
  /** Waits until a query has a result. */
  untilTrue(query: string, timeout: number): Promise<void>;
  stop(): Promise<void>;
}

/** A Prometheus that scrapes these addresses each second, with the alerts of deploy/. */
export async function startPrometheus(targets: readonly string[]): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-prometheus-'));
  const port = await freePort();
  const hosts = targets.map((target) => new URL(target).host);
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [RULES],
      scrape_configs: [{ job_name: 'carillon', static_configs: [{ targets: hosts }] }],
    }),
  );
  const options = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const server = spawn('prometheus', options, { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return ((await response.json()) as { data: T }).data;
  };
  const firing = async (): Promise<string[]> => {
    const { alerts } = await get<{ alerts: { state: string; labels: Record<string, string> }[] }>('/api/v1/alerts');
    return alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels: { alertname, app } }) => (app === undefined ? alertname! : `${alertname} ${app}`));
  };
  await vi.waitFor(firing, { timeout: START_MS, interval: 200 });
  return {
    firing,
    untilFiring: (alerts, timeout) =>
      vi.waitFor(async () => expect(await firing()).toEqual(expect.arrayContaining([...alerts])), {
        timeout,
        interval: 500,
      }),
    untilOver: (alerts, timeout) =>
      vi.waitFor(
        async () => {
          const left = await firing();
          expect(alerts.filter((alert) => left.includes(alert))).toEqual([]);
        },
        { timeout, interval: 500 },
      ),
    untilTrue: async (query, timeout) => {
      await vi.waitFor(
        async () => {
          const { result } = await get<{ result: unknown[] }>(`/api/v1/query?query=${encodeURIComponent(query)}`);
          expect(result.length).toBeGreaterThan(0);
        },
        { timeout, interval: 500 },
      );
    },
    stop: async () => {
      server.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
