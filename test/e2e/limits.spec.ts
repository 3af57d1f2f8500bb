import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin } from '../harness/admin.js';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

const APP = 'com.acme.limits';
/** In ten seconds. */
const LIMIT = 20;

describe.each(STAGES)('limits at the door on $name', (stage) => {
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

  it('a client that is over its rate is answered 429 and when to come again; another client goes on', async () => {
    const secret = await admin().addClient('fast', '*');
    const changed = await admin().call('PATCH', '/confidentialclients/fast', { requestsPerSecond: LIMIT / 10 });
    expect(changed.body).toMatchObject({ requestsPerSecond: LIMIT / 10 });
    const [fast, other] = [await tokenOf('fast', secret), await tokenOf('test', 'test')];
    const answers = await Promise.all(Array.from({ length: LIMIT + 5 }, () => read(fast)));
    const passed = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect(passed).toHaveLength(LIMIT);
    expect(refused).toHaveLength(5);
    expect(passed[0]?.headers.get('ratelimit-policy')).toBe('"client";q=20;w=10, "application";q=1000000;w=10');
    expect(passed[0]?.headers.get('ratelimit')).toMatch(/^"client";r=\d+;t=\d+, "application";r=\d+;t=\d+$/);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused[0]?.json()).toMatchObject({
      code: 'CARIL0429E',
      message: expect.stringMatching(/^Too many requests: the client fast may make 20 in 10 s/) as string,
    });
    expect((await read(other)).status).toBe(200);
  });

  it.each([0, -1, 1.5, '5', 100_001])('a limit of %j is refused, naming the field', async (concurrentRequests) => {
    const answer = await admin().call('PATCH', '/confidentialclients/test', { concurrentRequests });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain('concurrentRequests');
  });

  it('a PATCH that leaves a limit out keeps it, and null takes it away', async () => {
    await admin().addClient('kept', 'tags.read');
    await admin().call('PATCH', '/confidentialclients/kept', { requestsPerSecond: 7, concurrentRequests: 3 });
    const kept = await admin().call('PATCH', '/confidentialclients/kept', { displayName: 'kept' });
    expect(kept.body).toMatchObject({ requestsPerSecond: 7, concurrentRequests: 3 });
    const freed = await admin().call('PATCH', '/confidentialclients/kept', { requestsPerSecond: null });
    expect(freed.body).not.toHaveProperty('requestsPerSecond');
    expect(freed.body).toMatchObject({ concurrentRequests: 3 });
  });
});
