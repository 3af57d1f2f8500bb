import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin, basic } from '../harness/admin.js';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startRedis } from '../harness/servers.js';
import { SERVERS, STAGES } from './stages.js';

const APP = 'com.acme.limits';
/** In ten seconds. */
const LIMIT = 20;

describe.each(STAGES)('rate limits on $name', (stage) => {
  let carillon: RunningCarillon;
  let clean: () => void;
  beforeAll(async () => {
    const prepared = await stage.prepare();
    clean = prepared.clean;
    carillon = await startCarillon(prepared.environment);
    await (await Api.connect(carillon.url)).call('POST', '/apps', { applicationId: APP });
  });
  afterAll(async () => {
    await carillon.stop();
    clean();
  });

  const admin = () => new Admin(carillon.url);
  const tokenOf = async (id: string, secret: string): Promise<string> => {
    const answer = await fetch(`${carillon.url}/mfp/api/az/v1/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials&scope=*',
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const read = (token: string) =>
    fetch(`${carillon.url}/imfpush/v1/apps/${APP}/tags`, { headers: { authorization: `Bearer ${token}` } });

  it('a client over its rate gets 429 with the time to come again; another client continues', async () => {
    const secret = await admin().addClient('fast', '*');
    const changed = await admin().call('PATCH', '/confidentialclients/fast', { requestsPerSecond: LIMIT / 10 });
    expect(changed.body).toMatchObject({ requestsPerSecond: LIMIT / 10 });
    const [fast, other] = [await tokenOf('fast', secret), await tokenOf('test', 'test')];
    const answers = await Promise.all(Array.from({ length: LIMIT + 5 }, () => read(fast)));
    const passed = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    // One of them was for the token.
    expect(passed).toHaveLength(LIMIT - 1);
    expect(refused).toHaveLength(6);
    expect(passed[0]?.headers.get('ratelimit-policy')).toBe('"client";q=20;w=10, "application";q=1000000;w=10');
    expect(passed[0]?.headers.get('ratelimit')).toMatch(/^"client";r=\d+;t=\d+, "application";r=\d+;t=\d+$/);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused[0]?.json()).toMatchObject({
      code: 'CARIL0429E',
      message: expect.stringMatching(/^Too many requests: the client fast may send 20 in 10 s/) as string,
    });
    expect((await read(other)).status).toBe(200);
  });

  it('the token endpoint, introspection and administration count as well, each with its own form of error', async () => {
    const secret = await admin().addClient('asking', 'authorization.introspect mfpmonitor');
    await admin().call('PATCH', '/confidentialclients/asking', { requestsPerSecond: LIMIT / 10 });
    const authorization = `Basic ${Buffer.from(`asking:${secret}`).toString('base64')}`;
    const form = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const calls = {
      token: () =>
        fetch(`${carillon.url}/mfp/api/az/v1/token`, {
          method: 'POST',
          headers: form,
          body: 'grant_type=client_credentials',
        }),
      introspection: () =>
        fetch(`${carillon.url}/mfp/api/az/v1/introspection`, { method: 'POST', headers: form, body: 'token=x' }),
      administration: () =>
        fetch(`${carillon.url}/mfpadmin/management-apis/2.0/runtimes/mfp/signingkeys`, { headers: { authorization } }),
    };
    const first = await calls.token();
    expect(first.headers.get('ratelimit-policy')).toBe('"client";q=20;w=10');
    const rest = await Promise.all(
      Array.from({ length: LIMIT - 1 }, (_, n) => Object.values(calls)[n % 3]!().then(({ status }) => status)),
    );
    expect(new Set(rest)).toEqual(new Set([200]));
    for (const call of [calls.token, calls.introspection]) {
      const answer = await call();
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.json()).toMatchObject({ error: 'temporarily_unavailable' });
    }
    const refused = await calls.administration();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'CARIL0429E' });
  });

  it.each([0, -1, 1.5, '5', 100_001])('refuses a limit of %j and names the field', async (concurrentRequests) => {
    const answer = await admin().call('PATCH', '/confidentialclients/test', { concurrentRequests });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain('concurrentRequests');
  });

  it('a PATCH keeps an omitted limit, and null removes it', async () => {
    await admin().addClient('kept', 'tags.read');
    await admin().call('PATCH', '/confidentialclients/kept', { requestsPerSecond: 7, concurrentRequests: 3 });
    const kept = await admin().call('PATCH', '/confidentialclients/kept', { displayName: 'kept' });
    expect(kept.body).toMatchObject({ requestsPerSecond: 7, concurrentRequests: 3 });
    const freed = await admin().call('PATCH', '/confidentialclients/kept', { requestsPerSecond: null });
    expect(freed.body).not.toHaveProperty('requestsPerSecond');
    expect(freed.body).toMatchObject({ concurrentRequests: 3 });
  });
});

describe.runIf(SERVERS)('limits of two processes', () => {
  it('are shared over Redis; while Redis is unreachable each process has its own', async () => {
    const redis = (await startRedis())!;
    const { environment } = await SERVERS!.prepare();
    const settings = { ...environment, QUEUE_URL: redis.url };
    const processes = [await startCarillon(settings), await startCarillon(settings)];
    try {
      const admin = new Admin(processes[0]!.url);
      const secrets = new Map<string, string>();
      // In ten seconds 100, reported to Redis one by one.
      for (const id of ['shared', 'alone']) {
        secrets.set(id, await admin.addClient(id, 'mfpmonitor'));
        await admin.call('PATCH', `/confidentialclients/${id}`, { requestsPerSecond: 10 });
      }
      const call = async (id: string, at: RunningCarillon): Promise<number> => {
        const answer = await new Admin(at.url, basic(id, secrets.get(id) ?? '')).call('GET', '/signingkeys');
        if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        return answer.status;
      };
      const passedOf = async (id: string): Promise<number> => {
        let passed = 0;
        // One at a time and alternating, 75 at each.
        for (let n = 0; n < 150; n++) if ((await call(id, processes[n % 2]!)) === 200) passed++;
        return passed;
      };
      const began = Date.now();
      const shared = await passedOf('shared');
      // Each process alone would have accepted all 150. A window that ends meanwhile starts again.
      const windows = 1 + Math.ceil((Date.now() - began) / 10_000);
      expect(shared).toBeGreaterThanOrEqual(100);
      expect(shared).toBeLessThan(windows > 2 ? 150 : 120);
      await redis.stop();
      expect(await passedOf('alone')).toBe(150);
      const more = await Promise.all(Array.from({ length: 60 }, () => call('alone', processes[0]!)));
      expect(new Set(more)).toEqual(new Set([200, 429]));
    } finally {
      await Promise.all(processes.map((carillon) => carillon.kill()));
      await redis.stop();
    }
  });
});
