import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { httpRequests, registry, requestMeter, timeToProvider } from '../../src/common/meters.js';
import { FIGURES } from '../../src/metrics/figures.js';
import { findBinary } from '../harness/programs.js';

/** Names and labels that boards and rules of operators rely on, and the alerts under deploy/prometheus. */

const METRICS = `
  carillon_messages_accepted_total{app,kind}
  carillon_deliveries_total{app,provider,outcome}
  carillon_deliveries_open{app,provider,state}
  carillon_oldest_pending_seconds{app,provider}
  carillon_time_to_provider_seconds{lane}
  carillon_provider_request_seconds{provider,status}
  carillon_provider_paused{app,provider}
  carillon_provider_rate_limit{app,provider}
  carillon_tokens_retired_total{app,provider,reason}
  carillon_credential_expiry_timestamp_seconds{app,provider}
  carillon_process_last_seen_timestamp_seconds{role,version}
  carillon_clock_ahead_seconds{}
  carillon_role_missing{role}
  carillon_campaign_firing_lag_seconds{}
  carillon_campaign_runs_total{app,result}
  carillon_audit_oldest_unsent_seconds{}
  carillon_webhook_pending{app}
  carillon_webhook_oldest_seconds{app}
  carillon_queue_jobs{queue,state}
  carillon_queue_up{}
  carillon_sweeper_recovered_total{kind}
  carillon_auth_failures_total{reason}
  carillon_device_registrations_total{app,platform}
  carillon_devices{app,platform,state}
  carillon_http2_connections{provider}
  carillon_http2_streams{provider}
  carillon_http2_requests_in_flight{provider}
  carillon_http2_goaways_total{provider,code}
  http_server_request_duration_seconds{method,route,status}`;

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const rules = read('deploy/prometheus/rules.yml');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);

it('has these metrics with these labels', async () => {
  timeToProvider.of({ lane: 'bulk' }).observe(1);
  httpRequests.of({ method: 'GET', route: 'unknown', status: '404' }).observe(1);
  requestMeter('apns')(200, 5);
  const ofHistograms = async (name: string): Promise<string[]> => {
    const { values } = await registry.getSingleMetric(name)!.get();
    return Object.keys(values[0]!.labels).filter((label) => label !== 'le');
  };
  const ofProcess = await Promise.all(
    registry.getMetricsAsArray().map(async (metric) => {
      const { name, labelNames } = metric as unknown as { name: string; labelNames?: string[] };
      return [name, labelNames ?? (await ofHistograms(name))] as const;
    }),
  );
  const ofRows = Object.entries(FIGURES).map(([name, { labels }]) => [name, labels] as const);
  const found = [...ofProcess, ...ofRows].map(([name, labels]) => `${name}{${labels.join(',')}}`);
  expect(found.toSorted()).toEqual(METRICS.trim().split(/\s+/).toSorted());
});

it.skipIf(findBinary('promtool') === null)('promtool accepts the rules, and each fires by its series', () => {
  const folder = new URL('../../deploy/prometheus/', import.meta.url);
  for (const words of [
    ['check', 'rules', 'rules.yml'],
    ['test', 'rules', 'rules.test.yml'],
  ])
    expect(execFileSync('promtool', words, { cwd: folder, encoding: 'utf8' })).toContain('SUCCESS');
});

it('each alert has its fault in a test of the program, a test of its times, and its heading in the guide', () => {
  const faults = read('test/e2e/alerts.spec.ts');
  expect(alerts.filter((alert) => !faults.includes(alert))).toEqual([]);
  const tests = read('deploy/prometheus/rules.test.yml');
  const guide = read('docs/operations.md');
  expect(alerts.length).toBeGreaterThan(10);
  for (const alert of alerts) {
    const fires = new RegExp(`alertname: ${alert}\\n\\s+(#.*\\n\\s+)?exp_alerts:(?! \\[\\])`);
    expect([alert, fires.test(tests)]).toEqual([alert, true]);
    expect(guide).toContain(`\n#### ${alert}\n`);
    expect(rules).toContain(`runbook: docs/operations.md#${alert.toLowerCase()}\n`);
  }
});
