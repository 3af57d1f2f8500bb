import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { basic } from '../harness/admin.js';
import { Api, issueToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { metricsUrl, scrape, scrapeUntil } from '../harness/scrape.js';
import type { Scrape } from '../harness/scrape.js';
import { freePort, freePortsInRow } from '../harness/servers.js';
import { SERVERS, STAGES } from './stages.js';
import type { Stage } from './stages.js';

/** `GET /metrics` of the running program. */

const cleaning: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).toReversed()) await clean();
});

async function prepare(stage: Stage): Promise<Record<string, string>> {
  const { environment, clean } = await stage.prepare();
  cleaning.push(clean);
  return { ...environment, METRICS_PORT: String(await freePort()) };
}

async function start(environment: Record<string, string>, flags: string[] = []): Promise<RunningCarillon> {
  const carillon = await startCarillon(environment, flags);
  cleaning.push(() => carillon.stop());
  return carillon;
}

const APP = { app: 'com.acme.bank' };
/** The application that development begins with, and its devices. */
const SAMPLES = 5;

async function addApplication(url: string, applicationId = APP.app): Promise<Api> {
  const api = await Api.connect(url, applicationId);
  await api.call('POST', '/apps', { applicationId });
  return api;
}

/** Node's flags; SIGWINCH collects the heap. */
const COLLECTS = ['--expose-gc', '--import', 'data:text/javascript,process.on("SIGWINCH", () => gc())'];
/**
 * To random paths and ids; `RANDOM_REQUESTS=20000 npx vitest run --project e2e test/e2e/metrics.spec.ts -t random`
 * is the full number.
 */
const RANDOM_REQUESTS = Number(process.env.RANDOM_REQUESTS ?? 4_200);

const tokens = (...words: string[]) =>
  words.map((word, index) => ({ deviceId: `d${index}`, platform: 'A', token: `sandbox:${word}:${index}` }));

/** Each counter is as high as before, but for those of an application that is gone. */
function expectNoFall(before: Scrape, after: Scrape, gone?: string): void {
  for (const [name, value] of before.series)
    // Two gauges of prom-client end with `_total`.
    if (/^(?!nodejs_active).*_(total|count|bucket)\b/.test(name) && !(gone && name.includes(gone)))
      expect([name, after.series.get(name)! >= value]).toEqual([name, true]);
}

/** The metrics that these files name. */
function namedBy(...paths: string[]): Set<string> {
  const text = paths.map((path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).join('\n');
  return new Set([...text.matchAll(/\b(?:carillon|http_server|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name));
}

describe.each(STAGES)('metrics on $name', (stage) => {
  it('count messages, outcomes, devices, requests and refusals', async () => {
    const environment = await prepare(stage);
    const carillon = await start(environment);
    const url = metricsUrl(environment);
    const api = await addApplication(carillon.url);
    await api.registerDevices(tokens('accepted', 'accepted', 'rejected', 'gone'));
    const broadcast = await api.send({ message: { alert: 'To all' } });
    await api.waitFor(broadcast, ({ state }) => state === 'finished');
    const single = await api.send({ message: { alert: 'To one' }, target: { deviceIds: ['d0'] } });
    await api.waitFor(single, ({ state }) => state === 'finished');
    await fetch(`${carillon.url}/mfpadmin/management-apis/2.0/runtimes/mfp/confidentialclients`, {
      headers: { authorization: basic('test', 'wrong') },
    });
    await fetch(`${carillon.url}/imfpush/v1/stats`);
    const scraped = await scrapeUntil(url, ({ value }) =>
      expect(value('carillon_devices', { ...APP, platform: 'A', state: 'registered' })).toBe(4),
    );
    const { value } = scraped;
    expect(value('carillon_messages_accepted_total', { ...APP, kind: 'broadcast' })).toBe(1);
    expect(value('carillon_messages_accepted_total', { ...APP, kind: 'direct' })).toBe(1);
    const sent = { ...APP, provider: 'sandbox' };
    for (const [outcome, count] of [
      ['accepted', 3],
      ['rejected', 1],
      ['failed', 1],
    ] as const)
      expect([outcome, value('carillon_deliveries_total', { ...sent, outcome })]).toEqual([outcome, count]);
    expect(value('carillon_tokens_retired_total', { ...sent, reason: 'gone' })).toBe(1);
    expect(value('carillon_device_registrations_total', { ...APP, platform: 'A' })).toBe(4);
    expect(value('carillon_time_to_provider_seconds_count', { lane: 'bulk' })).toBe(4);
    expect(value('carillon_time_to_provider_seconds_count', { lane: 'urgent' })).toBe(1);
    expect(value('carillon_auth_failures_total', { reason: 'invalid_client' })).toBe(1);
    expect(value('carillon_auth_failures_total', { reason: 'no_token' })).toBe(1);
    const route = '/imfpush/v1/apps/:applicationId/devices';
    expect(value('http_server_request_duration_seconds_count', { method: 'POST', route, status: '201' })).toBe(4);
    expect(value('carillon_queue_up')).toBe(1);
    expect(value('carillon_role_missing', { role: 'worker' })).toBe(0);
    expect(value('carillon_process_last_seen_timestamp_seconds', { role: 'api' })).toBeGreaterThan(1e9);
    expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    for (const name of namedBy('deploy/prometheus/rules.yml', 'deploy/grafana/carillon.json'))
      expect(scraped.text).toMatch(new RegExp(`^# TYPE ${name.replace(/_(bucket|count|sum)$/, '(_$1)?')} `, 'm'));
    // Neither the text, nor a device, nor a message.
    for (const secret of ['To all', 'd0', 'sandbox:', broadcast, single]) expect(scraped.text).not.toContain(secret);
  });

  it('random paths, methods and ids make no series, and applications beyond the limit are one', async () => {
    const environment = await prepare(stage);
    const carillon = await start({ ...environment, METRICS_APPLICATIONS: '2' }, COLLECTS);
    const url = metricsUrl(environment);
    const api = await Api.connect(carillon.url);
    for (const name of ['b', 'c', 'd', 'e']) {
      const other = await addApplication(api.url, `com.example.${name}`);
      await other.registerDevices(tokens('accepted'));
    }
    const registered = await scrapeUntil(url, ({ value }) =>
      expect(value('carillon_devices', { app: 'other', state: 'registered' })).toBe(3),
    );
    const apps = [...registered.text.matchAll(/app="([^"]*)"/g)].map(([, app]) => app);
    expect(new Set(apps)).toEqual(new Set(['com.example.app', 'com.example.b', 'other']));

    const paths = [
      (id: number) => ['GET', `/${id}/x`],
      (id: number) => ['GET', `/imfpush/v1/apps/no-${id}/messages/${id}%2F1`],
      (id: number) => ['DELETE', `/imfpush/v1/apps/com.example.app/messages/m-${id}`],
      (id: number) => ['POST', `/imfpush/v1/apps/no-${id}/messages`],
      (id: number) => ['PATCH', `/imfpush/v1/${id}`],
      (id: number) => [`M${'ABCDEFGHIJ'[id % 10]}`, `/imfpush/v1/apps`],
    ];
    const ask = (ids: readonly number[]) =>
      Promise.all(
        ids.flatMap((id) =>
          paths.map(async (path) => {
            const [method, to] = path(id) as [string, string];
            await fetch(api.url + to, { method, headers: { authorization: api.authorization } }).catch(() => null);
          }),
        ),
      );
    /** The heap after them, collected, in MB. */
    const askUpTo = async (share: number): Promise<number> => {
      for (; next < (share * RANDOM_REQUESTS) / paths.length; next += 20)
        await ask(Array.from({ length: 20 }, (_, index) => next + index));
      process.kill(carillon.pid, 'SIGWINCH');
      await scrape(url);
      return (await scrape(url)).value('nodejs_heap_size_used_bytes')! / 1_048_576;
    };
    let next = 1;
    await ask([next++]);
    const before = await scrape(url);
    const heaps = [await askUpTo(0.5), await askUpTo(1)];
    if (process.env.RANDOM_REQUESTS) console.log(`Heap at half and at the end, in MB: ${heaps.join(', ')}`);
    expect(heaps[1]! - heaps[0]!).toBeLessThan(5);
    const after = await scrape(url);
    const ours = ({ series }: Scrape) => [...series.keys()].filter((name) => /^(carillon|http)_/.test(name)).length;
    expect(ours(after) - ours(before)).toBeLessThan(10);
    expect(after.value('http_server_request_duration_seconds_count', { route: 'unknown' })).toBeGreaterThan(
      RANDOM_REQUESTS / paths.length / 1.1,
    );
    expect(after.text).not.toMatch(/app="no-/);
  });

  it('the series of a removed application end, and no counter falls', async () => {
    const environment = await prepare(stage);
    const carillon = await start(environment);
    const url = metricsUrl(environment);
    const api = await addApplication(carillon.url, 'com.example.gone');
    await api.registerDevices(tokens('accepted'));
    const message = await api.send({ message: { alert: 'x' } });
    await api.waitFor(message, ({ state }) => state === 'finished');
    const before = await scrapeUntil(url, ({ value }) =>
      expect(value('carillon_devices', { app: api.applicationId })).toBeGreaterThan(0),
    );
    expect(before.value('carillon_deliveries_total', { app: api.applicationId })).toBe(1);
    expect((await api.call('DELETE', `/apps/${api.applicationId}?devices=delete`)).status).toBe(204);
    const after = await scrapeUntil(url, ({ text }) => expect(text).not.toContain(api.applicationId));
    expectNoFall(before, after, api.applicationId);
  });
});

it('the port of the API serves them for the scope metrics.read', async () => {
  const { environment, clean } = await STAGES[0]!.prepare();
  cleaning.push(clean);
  const carillon = await start(environment);
  expect(carillon.output()).not.toContain('Metrics at');
  const get = async (scope: string) =>
    fetch(`${carillon.url}/metrics`, { headers: { authorization: `Bearer ${await issueToken(carillon.url, scope)}` } });
  expect((await fetch(`${carillon.url}/metrics`)).status).toBe(401);
  expect((await get('messages.read')).status).toBe(403);
  const answer = await get('metrics.read');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  expect(await answer.text()).toContain('carillon_queue_up 1');
});

it.skipIf(SERVERS === null)(
  'series of what is gone end in every process, and counters fall at a start alone',
  async () => {
    const [forApi, forWorker] = [await prepare(SERVERS!), await freePort()];
    const environment = { ...forApi, METRICS_PORT: String(forWorker) };
    const processes = {
      api: await start({ ...forApi, ROLES: 'api' }),
      worker: await start({ ...environment, ROLES: 'worker' }),
      scheduler: await start({ ...environment, METRICS_PORT: '', ROLES: 'scheduler' }),
    };
    const urls = [forApi, environment].map(metricsUrl);
    /** Both show it within two intervals of 10 s. */
    const both = (name: string, labels: Record<string, string>, value: number | undefined) =>
      Promise.all(
        urls.map((url) => scrapeUntil(url, (scraped) => expect(scraped.value(name, labels)).toBe(value), 21_000)),
      );
    const database = new pg.Client(forApi.DATABASE_URL);
    await database.connect();
    cleaning.push(() => database.end());
    const [expiry, paused] = ['carillon_credential_expiry_timestamp_seconds', 'carillon_provider_paused'];
    const seen = 'carillon_process_last_seen_timestamp_seconds';

    const api = await addApplication(processes.api.url);
    const other = await addApplication(processes.api.url, 'com.acme.other');
    const ofApns = ({ applicationId: app }: Api) => ({ app, provider: 'apns' });
    const [ofApi, ofOther] = [ofApns(api), ofApns(other)];
    await api.registerDevices(tokens('accepted'));
    await api.waitFor(await api.send({ message: { alert: 'x' } }));
    const store = async (at: Api, keyId: string): Promise<void> => {
      const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
        type: 'pkcs8',
        format: 'pem',
      });
      const body = { key, keyId, teamId: 'TEAM123456', bundleId: 'com.acme.bank' };
      expect((await at.app('PUT', '/settings/apnsConf', body)).status).toBe(200);
    };
    for (const each of [api, other]) await store(each, 'KEY1234567');
    // As a certificate that ends leaves it, and a provider that refuses it.
    await database.query(`update provider_setting set paused_reason = 'ExpiredProviderToken', paused_at = now(),
    visible = visible || '{"validUntil":"2027-01-01T00:00:00Z"}'`);
    await both(expiry, ofOther, Date.parse('2027-01-01T00:00:00Z') / 1_000);
    const before = await both(paused, ofApi, 1);

    await store(api, 'KEY7654321');
    expect((await other.app('DELETE', '/settings/apnsConf')).status).toBe(204);
    // A process that was killed is shown for an hour, so that its alert fires; a stopped one is not.
    await processes.scheduler.kill();
    await database.query(`update process set seen_at = now() - interval '61 minutes' where roles = '{scheduler}'`);
    const after = await both(expiry, ofApi, undefined);
    await both(paused, ofApi, 0);
    for (const name of [expiry, paused]) await both(name, ofOther, undefined);
    await both(seen, { role: 'scheduler' }, undefined);
    for (const [index, scraped] of after.entries()) expectNoFall(before[index]!, scraped);
    await processes.worker.stop();
    await scrapeUntil(urls[0]!, ({ value }) => expect(value(seen, { role: 'worker' })).toBeUndefined(), 21_000);

    const last = await scrape(urls[0]!);
    await processes.api.stop();
    await start({ ...environment, ROLES: 'worker' });
    await start({ ...forApi, ROLES: 'api' });
    const again = await scrapeUntil(urls[0]!, ({ value }) =>
      expect(value(seen, { role: 'worker' })).toBeGreaterThan(0),
    );
    const accepted = { ...APP, kind: 'broadcast' };
    expect([last, again].map(({ value }) => value('carillon_messages_accepted_total', accepted))).toEqual([
      1,
      undefined,
    ]);
  },
  240_000,
);

it.skipIf(SERVERS === null)('a locked table holds up no scrape, and one query at most waits for it', async () => {
  const environment = await prepare(SERVERS!);
  await start(environment);
  const url = metricsUrl(environment);
  const devices = { app: 'com.example.app', state: 'registered' };
  await scrapeUntil(url, ({ value }) => expect(value('carillon_devices', devices)).toBe(SAMPLES));
  const client = new pg.Client(environment.DATABASE_URL);
  await client.connect();
  cleaning.push(() => client.end());
  await client.query('begin; lock table tally in access exclusive mode');
  const waiting = async (): Promise<number> => {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int from pg_locks where not granted and relation = 'tally'::regclass`,
    );
    return rows[0]!.count;
  };
  let longestMs = 0;
  const timed = async (): Promise<void> => {
    const startedAt = performance.now();
    await scrape(url);
    longestMs = Math.max(longestMs, performance.now() - startedAt);
  };
  // The rows are read again every ten seconds.
  await vi.waitFor(
    async () => {
      await timed();
      expect(await waiting()).toBeGreaterThan(0);
    },
    { timeout: 30_000, interval: 500 },
  );
  await Promise.all(Array.from({ length: 20 }, timed));
  expect(await waiting()).toBe(1);
  expect(longestMs).toBeLessThan(2_000);
});

it.skipIf(SERVERS === null)('each process of a start has a port, and all show the same rows', async () => {
  const port = await freePortsInRow(3);
  const environment = { ...(await prepare(SERVERS!)), WORKERS: '2', METRICS_PORT: String(port) };
  await start(environment);
  for (const position of [0, 1, 2])
    await scrapeUntil(`http://127.0.0.1:${port + position}/metrics`, ({ value }) =>
      expect(value('carillon_devices', { app: 'com.example.app', state: 'registered' })).toBe(SAMPLES),
    );
});
