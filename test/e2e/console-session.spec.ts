import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin, RUNTIME, basic } from '../harness/admin.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { ConsoleCaller } from '../harness/console.js';
import { runProgram } from '../harness/program.js';
import { EMBEDDED, STAGES } from './stages.js';

/** The session of the console, against the built program. */

const APPS = '/imfpush/v1/apps/com.example.app';
const SESSION = '/console/api/session';

describe.each(STAGES)('a session on $name', (stage) => {
  const program = runProgram(stage, { environment: () => ({ TRUST_PROXY: '127.0.0.1', ENVIRONMENT_NAME: 'Staging' }) });
  const open = (headers?: Record<string, string>) => new ConsoleCaller(program.carillon.url, headers);
  const admin = () => new Admin(program.carillon.url);
  let count = 0;

  async function signIn(allowedScope = '*'): Promise<{ id: string; secret: string; page: ConsoleCaller }> {
    const id = `console-${count++}`;
    const secret = await admin().addClient(id, allowedScope);
    const page = open();
    expect(await page.signIn(id, secret)).toMatchObject({ status: 201 });
    return { id, secret, page };
  }

  it('begins with what the page must know before anybody signs in', async () => {
    const { status, body } = await open().call('GET', '/console/api/start');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      environment: { name: 'Staging', colour: 'orange' },
      development: true,
      sampleClient: { id: 'test', secret: 'test' },
      people: null,
      canKeepCookie: true,
      problem: null,
      version: expect.any(String) as string,
    });
  });

  it('signs in, tells who, reads and changes with the API, and signs out', async () => {
    const page = open();
    expect(await page.call('GET', SESSION)).toMatchObject({ status: 401, body: { code: 'CARIL0401E' } });
    const made = await page.signIn();
    const cookie = made.headers.getSetCookie()[0] ?? '';
    expect(cookie).toMatch(/^carillon-[0-9a-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(made.body).toMatchObject({ kind: 'client', id: 'test', email: null, scope: ['*'], applications: null });
    const ends = Date.parse(made.body.endsAt as string) - Date.parse(made.body.serverTime as string);
    const idle = Date.parse(made.body.idleEndsAt as string) - Date.parse(made.body.serverTime as string);
    expect([ends / 3_600_000, idle / 60_000].map(Math.round)).toEqual([12, 30]);
    expect(await page.call('GET', SESSION)).toMatchObject({ status: 200, body: { id: 'test' } });
    expect(await page.call('GET', APPS)).toMatchObject({ status: 200 });
    expect(await page.call('POST', `${APPS}/tags`, { name: `tag-${count++}` })).toMatchObject({ status: 201 });
    expect(await page.call('GET', `${RUNTIME}/confidentialclients`)).toMatchObject({ status: 200 });
    const replayed = page.copy();
    expect(await page.call('DELETE', SESSION)).toMatchObject({ status: 204 });
    expect(page.cookies).toBe('');
    for (const path of [SESSION, APPS]) expect(await replayed.call('GET', path)).toMatchObject({ status: 401 });
  });

  it('creates an application, whose id only the body names', async () => {
    const { page } = await signIn('apps.write push.application.com.example.mine-*');
    const create = (applicationId: string) => page.call('POST', '/imfpush/v1/apps', { applicationId });
    expect(await create('com.example.other')).toMatchObject({ status: 403 });
    expect(await create(`com.example.mine-${stage === EMBEDDED ? 'a' : 'b'}`)).toMatchObject({ status: 201 });
  });

  it('has the scope of its client, and names the applications of it that exist', async () => {
    const { page } = await signIn('messages.read push.application.com.example.app push.application.com.example.none');
    expect(await page.call('GET', SESSION)).toMatchObject({ body: { applications: ['com.example.app'] } });
    expect(await page.call('GET', `${APPS}/messages`)).toMatchObject({ status: 200 });
    const refused = await page.call('POST', `${APPS}/messages`, { message: { alert: 'Hello' } });
    expect(refused).toMatchObject({ status: 403, body: { code: 'CARIL0403E' } });
    expect(refused.body.message).toContain('messages.write push.application.com.example.app');
  });

  it('has another value after each sign-in, and the value before is over', async () => {
    const { id, secret, page } = await signIn();
    const before = page.copy();
    await page.signIn(id, secret);
    expect(page.cookies).not.toBe(before.cookies);
    expect(await before.call('GET', SESSION)).toMatchObject({ status: 401 });
    expect(await page.call('GET', SESSION)).toMatchObject({ status: 200 });
  });

  it('a value that a caller brings along is never taken', async () => {
    const page = open();
    await page.signIn();
    const [name = ''] = page.cookies.split('=');
    const fixed = await open().call(
      'POST',
      SESSION,
      { clientId: 'test', clientSecret: 'test' },
      { cookie: `${name}=${'A'.repeat(43)}` },
    );
    expect(fixed.headers.getSetCookie()[0]).not.toContain('A'.repeat(43));
  });

  describe('a forged request', () => {
    it.each([
      ['without the header', { 'sec-fetch-site': 'same-origin' }, { 'carillon-console': '' }],
      ['of another site', { 'sec-fetch-site': 'cross-site' }, {}],
      ['of another host of the site', { 'sec-fetch-site': 'same-site' }, {}],
      ['of another origin in an old browser', { origin: 'https://evil.test' }, {}],
    ])('%s is refused', async (_what, browser, headers) => {
      const { page } = await signIn();
      const forged = page.copy(browser as Record<string, string>);
      for (const [method, path, body] of [
        ['POST', `${APPS}/tags`, { name: 'forged' }],
        ['GET', `${RUNTIME}/confidentialclients`, undefined],
        ['DELETE', SESSION, undefined],
        ['POST', SESSION, { clientId: 'test', clientSecret: 'test' }],
        ['POST', '/console/api/tickets', { path: APPS }],
      ] as const)
        expect((await forged.call(method, path, body, headers as Record<string, string>)).status).toBe(403);
      expect(await page.call('GET', SESSION)).toMatchObject({ status: 200 });
    });

    it('with the cookie alone has no session, and no challenge that asks for a password', async () => {
      const { page } = await signIn();
      const answer = await fetch(`${program.carillon.url}${APPS}`, { headers: { cookie: page.cookies } });
      expect(answer.status).toBe(401);
      for (const path of [SESSION, APPS, `${RUNTIME}/confidentialclients`]) {
        const challenge = (await open().call('GET', path)).headers.get('www-authenticate');
        expect(challenge).toBe('Carillon-Session');
      }
    });
  });

  it('ends within a second with the client, and narrows with it', async () => {
    const { id, page } = await signIn('messages.* push.*');
    await admin().call('PATCH', `/confidentialclients/${id}`, { allowedScope: 'tags.read push.*' });
    expect(await page.waitFor(403, `${APPS}/messages`)).toBeLessThan(1_500);
    expect(await page.call('GET', SESSION)).toMatchObject({ body: { scope: ['push.*'] } });
    await admin().call('POST', `/confidentialclients/${id}/secret`, { overlapSeconds: 0 });
    expect(await page.waitFor(401)).toBeLessThan(1_500);
  });

  it('wrong secrets are slowed down at the page and the token endpoint together, for one address', async () => {
    const id = `console-${count++}`;
    const secret = await admin().addClient(id, '*');
    const from = (address: string) => open({ 'sec-fetch-site': 'same-origin', 'x-forwarded-for': address });
    const atToken = (address: string) =>
      fetch(`${program.carillon.url}/mfp/api/az/v1/token`, {
        method: 'POST',
        headers: {
          authorization: basic(id, 'wrong'),
          'content-type': 'application/x-www-form-urlencoded',
          'x-forwarded-for': address,
        },
        body: 'grant_type=client_credentials',
      });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) {
      statuses.push((await from('192.0.2.77').signIn(id, 'wrong')).status);
      statuses.push((await atToken(`198.51.100.${n}, 192.0.2.77`)).status);
    }
    expect(statuses.slice(0, 10)).toEqual([401, 400, 401, 400, 401, 400, 401, 400, 401, 400]);
    expect(statuses.slice(10)).toEqual([429, 429]);
    const slowed = await from('192.0.2.77').signIn(id, secret);
    expect(slowed).toMatchObject({ status: 429, body: { code: 'CARIL0429E' } });
    expect(Number(slowed.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await from('192.0.2.78').signIn(id, secret)).toMatchObject({ status: 201 });
  });

  it('sends a secret nowhere and refuses what cannot be a client', async () => {
    const sign = (body: unknown) => open().call('POST', SESSION, body);
    expect(await sign({ clientId: 'test' })).toMatchObject({ status: 400 });
    expect((await sign({ clientId: 'test', clientSecret: 7 })).body.message).toContain('clientSecret');
    expect((await sign({ clientId: 'a:b', clientSecret: 'hushhush' })).body.message).toContain('clientId');
    expect(await sign({ clientId: 'test', clientSecret: 'hushhush' })).toMatchObject({ status: 401 });
    expect(program.carillon.output()).not.toContain('hushhush');
  });

  it('a ticket opens a download as a plain link, once, and nothing else', async () => {
    const { page } = await signIn('devices.read push.*');
    const made = await page.call<{ href: string }>('POST', '/console/api/tickets', { path: `${APPS}/devices:export` });
    expect(made.status).toBe(201);
    const follow = (href: string) => fetch(`${program.carillon.url}${href}`);
    expect((await follow(made.body.href.replace(':export', ''))).status).toBe(401);
    const first = await follow(made.body.href);
    expect(first.status).toBe(200);
    const lines = (await first.text()).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ trailer: { count: lines.length - 1 } });
    expect((await follow(made.body.href)).status).toBe(401);

    const other = await page.call<{ href: string }>('POST', '/console/api/tickets', { path: `${APPS}/messages` });
    expect((await follow(other.body.href)).status).toBe(403);
    const outside = await page.call('POST', '/console/api/tickets', { path: '/health/live' });
    expect(outside).toMatchObject({ status: 400 });
    expect(await open().call('POST', '/console/api/tickets', { path: APPS })).toMatchObject({ status: 401 });
  });

  it('exports the audit by a link, whole or of one client, and filters its pages', async () => {
    const { id, page } = await signIn('mfpmonitor');
    const path = `${RUNTIME}/auditevents?clientId=${id}`;
    const made = await page.call<{ href: string }>('POST', '/console/api/tickets', { path });
    const text = await (await fetch(`${program.carillon.url}${made.body.href}`)).text();
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toEqual([
      expect.objectContaining({ clientId: id, action: 'audit.export' }),
      expect.objectContaining({ clientId: id, action: 'session.create' }),
      { trailer: { count: 2 } },
    ]);
    const listed = await page.call<{ events: unknown[] }>(
      'GET',
      `${RUNTIME}/auditevents?action=client.create&subject=${id}`,
    );
    expect(listed.body.events).toEqual([expect.objectContaining({ clientId: 'test', subject: id })]);
    const refused = (outcome: string) => page.call('GET', `${RUNTIME}/auditevents?clientId=${id}&outcome=${outcome}`);
    expect(await refused('refused')).toMatchObject({ status: 200, body: { events: [] } });
    expect(await refused('lost')).toMatchObject({ status: 400 });
    expect(await page.call('GET', `${RUNTIME}/auditevents?subject=none`)).toMatchObject({ body: { events: [] } });
  });

  it('behind a proxy that ends TLS, the cookie is one of https exactly if the trusted proxy says so', async () => {
    const proxied = (proto: string) =>
      open({ 'x-forwarded-for': '192.0.2.9', 'x-forwarded-proto': proto, 'x-forwarded-host': 'push.example.test' });
    const made = await proxied('https,http').call(
      'POST',
      SESSION,
      { clientId: 'test', clientSecret: 'test' },
      { origin: 'https://push.example.test' },
    );
    expect(made.headers.getSetCookie()[0]).toMatch(/^__Host-carillon-[0-9a-f]{8}=.*; SameSite=Strict; Secure$/);
    const hidden = await proxied('http').call('GET', '/console/api/start');
    expect(hidden.body).toMatchObject({ canKeepCookie: false, problem: { code: 'noTls', setting: 'TRUST_PROXY' } });
    const refused = await proxied('http').call(
      'POST',
      SESSION,
      { clientId: 'test', clientSecret: 'test' },
      { origin: 'http://push.example.test' },
    );
    expect(refused).toMatchObject({ status: 409, body: { code: 'CARIL0409E' } });
  });
});

describe('two installations on one host', () => {
  const places: { carillon: RunningCarillon; clean: () => void }[] = [];
  beforeAll(async () => {
    for (const name of ['staging', 'production']) {
      const { environment, clean } = await EMBEDDED.prepare();
      places.push({ carillon: await startCarillon({ ...environment, ENVIRONMENT_NAME: name }), clean });
    }
  });
  afterAll(async () => {
    for (const { carillon, clean } of places) {
      await carillon.stop();
      clean();
    }
  });

  it('both stay signed in with the cookies of one browser', async () => {
    const [first, second] = places.map(({ carillon }) => new ConsoleCaller(carillon.url));
    await first!.signIn();
    await second!.signIn();
    const cookie = `${first!.cookies}; ${second!.cookies}`;
    expect(first!.cookies.split('=')[0]).not.toBe(second!.cookies.split('=')[0]);
    for (const [page, name] of [
      [first!, 'staging'],
      [second!, 'production'],
    ] as const) {
      expect(await page.call('GET', SESSION, undefined, { cookie })).toMatchObject({ status: 200 });
      expect(await page.call('GET', '/console/api/start')).toMatchObject({ body: { environment: { name } } });
    }
  });
});
