import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { ClientCredentials } from 'simple-oauth2';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Admin, basic } from '../harness/admin.js';
import type { ListedClient } from '../harness/admin.js';
import { requestToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

/** Confidential clients from outside: administration, unmodified OAuth libraries, and rotation under load. */

const SCOPE = 'messages.write push.application.com.example.app';
const MESSAGES = '/imfpush/v1/apps/com.example.app/messages';
const HELLO = JSON.stringify({ message: { alert: 'Hello' }, target: { deviceIds: ['kiosk'] } });

describe.each(STAGES)('on $name', (stage) => {
  let processes: RunningCarillon[];
  let clean = (): void => undefined;
  let url: string;
  /** Another process of the installation, if there may be two. */
  let otherUrl: string;
  let admin: Admin;

  beforeAll(async () => {
    const { environment, clean: cleaner } = await stage.prepare();
    clean = cleaner;
    processes = [await startCarillon(environment)];
    if (environment.DATABASE_URL) processes.push(await startCarillon(environment));
    url = processes[0]!.url;
    otherUrl = processes.at(-1)!.url;
    admin = new Admin(url);
  });
  afterAll(async () => {
    await Promise.all((processes ?? []).map((carillon) => carillon.stop()));
    clean();
  });

  const tokenOf = async (id: string, secret: string, scope: string, at = url): Promise<string> => {
    const response = await requestToken(at, { id, secret, scope });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return ((await response.json()) as { access_token: string }).access_token;
  };
  const readApplication = (token: string, at = url) =>
    fetch(`${at}/imfpush/v1/apps/com.example.app`, { headers: { authorization: `Bearer ${token}` } });

  describe('administration', () => {
    it('lists the predefined clients of MobileFirst, without secrets', async () => {
      const { status, body } = await admin.call<{ clients: ListedClient[] }>('GET', '/confidentialclients');
      expect(status).toBe(200);
      expect(body).toMatchObject({ productVersion: '8.0' });
      expect(body.clients.map(({ id, allowedScope }) => [id, allowedScope])).toEqual([
        ['admin', 'push.* mfp.admin.plugins settings.read'],
        ['push', 'authorization.introspect'],
        ['test', '*'],
      ]);
      expect(JSON.stringify(body)).not.toMatch(/nimda|hsup|scrypt|"secret"/);
    });

    it("creates, reads, changes, disables and deletes a client, also with an administrator's token", async () => {
      const bearer = new Admin(url, `Bearer ${await tokenOf('test', 'test', 'mfpadmin')}`);
      const made = await bearer.call('POST', '/confidentialclients', { id: 'a/b?c', allowedScope: 'tags.*' });
      expect(made.status).toBe(201);
      expect(made.headers.get('cache-control')).toBe('no-store');
      expect(made.body).toMatchObject({ id: 'a/b?c', displayName: 'a/b?c', secret: expect.any(String) as string });
      const path = `/confidentialclients/${encodeURIComponent('a/b?c')}`;
      const changed = await bearer.call('PATCH', path, { displayName: 'Shop', enabled: false });
      expect(changed).toMatchObject({ status: 200, body: { displayName: 'Shop', enabled: false } });
      const read = await bearer.call('GET', path);
      expect(read.body).toMatchObject({ displayName: 'Shop', allowedScope: 'tags.*' });
      expect(read.body).not.toHaveProperty('secret');
      expect((await bearer.call('DELETE', path)).status).toBe(204);
      expect(await bearer.call('GET', path)).toMatchObject({ status: 404, body: { code: 'FPWSE0001E' } });
      const { body } = await bearer.call<{ events: Record<string, unknown>[] }>('GET', '/auditevents?size=3');
      expect(body.events.map(({ action, subject }) => [action, subject])).toEqual([
        ['client.delete', 'a/b?c'],
        ['client.update', 'a/b?c'],
        ['client.create', 'a/b?c'],
      ]);
      expect(body.events[0]).toMatchObject({
        clientId: 'test',
        address: '127.0.0.1',
        requestId: expect.stringMatching(/^[A-Za-z0-9]{12}-[0-9a-z]+$/) as string,
        userAgent: 'node',
      });
    });

    it('replaces the list like MobileFirst, and answers with its transaction', async () => {
      const { body } = await admin.call<{ clients: ListedClient[] }>('GET', '/confidentialclients');
      const clients = [...body.clients, { id: 'listed', secret: 'listed-secret', allowedScope: '**' }];
      const answer = await admin.call('PUT', '/confidentialclients?async=false', { clients, productVersion: '8.0' });
      expect(answer).toMatchObject({
        status: 200,
        body: {
          ok: true,
          productVersion: '8.0',
          transaction: {
            id: expect.any(String) as string,
            type: 'UPLOAD_ARTIFACT',
            status: 'SUCCESS',
            userName: 'test',
            errors: [],
            project: { name: 'mfp' },
          },
        },
      });
      expect(await tokenOf('listed', 'listed-secret', '**')).toMatch(/^eyJ/);
      await admin.call('PUT', '/confidentialclients', { clients: body.clients });
      expect((await requestToken(url, { id: 'listed', secret: 'listed-secret', scope: '**' })).status).toBe(400);
    });

    it.each<[string, string, string, unknown, number, string, RegExp]>([
      ['an empty list of clients', 'PUT', '', { clients: [] }, 409, 'CARIL0409E', /mfpadmin/],
      ['no list', 'PUT', '', {}, 400, 'FPWSE0005E', /'clients'.*list/],
      ['a list of no clients', 'PUT', '', { clients: [7] }, 400, 'FPWSE0005E', /'clients/],
      [
        'a list with one bad scope',
        'PUT',
        '',
        {
          clients: [
            { id: 'test', allowedScope: '*' },
            { id: 'x', secret: 'x', allowedScope: 'é' },
          ],
        },
        400,
        'FPWSE0005E',
        /'clients\.1\.allowedScope'.*128 scope elements/,
      ],
      [
        'a list with a new client without a secret',
        'PUT',
        '',
        {
          clients: [
            { id: 'test', allowedScope: '*' },
            { id: 'x', allowedScope: '*' },
          ],
        },
        400,
        'FPWSE0005E',
        /'clients\.1\.secret'/,
      ],
      ['an id with a colon', 'POST', '', { id: 'a:b', allowedScope: '*' }, 400, 'FPWSE0005E', /'id'.*colon/],
      ['a secret beyond ASCII', 'POST', '', { id: 'x', secret: 'é', allowedScope: '*' }, 400, 'FPWSE0005E', /'secret'/],
      ['no allowed scope', 'POST', '', { id: 'x' }, 400, 'FPWSE0005E', /'allowedScope'/],
      ['an existing id', 'POST', '', { id: 'test', allowedScope: '*' }, 409, 'FPWSE0002E', /exists already/],
      ['a misspelled field', 'PATCH', '/push', { enabld: false }, 400, 'FPWSE0005E', /'enabld'.*no such field/],
      ['enabled as text', 'PATCH', '/push', { enabled: 'false' }, 400, 'FPWSE0005E', /'enabled'.*true or false/],
      ['disabling the last administrator', 'PATCH', '/test', { enabled: false }, 409, 'CARIL0409E', /mfpadmin/],
      ['deleting the last administrator', 'DELETE', '/test', undefined, 409, 'CARIL0409E', /mfpadmin/],
      ['an unknown client', 'DELETE', '/nobody', undefined, 404, 'FPWSE0001E', /clientId/],
      [
        'an overlap of a year',
        'POST',
        '/push/secret',
        { overlapSeconds: 31_536_000 },
        400,
        'FPWSE0005E',
        /'overlapSeconds'.*2592000/,
      ],
    ])('refuses %s, and changes nothing', async (_what, method, path, body, status, code, says) => {
      const before = await admin.call('GET', '/confidentialclients');
      const answer = await admin.call(method, `/confidentialclients${path}`, body);
      expect(answer).toMatchObject({ status, body: { code, message: expect.stringMatching(says) as string } });
      const after = await admin.call<{ clients: ListedClient[] }>('GET', '/confidentialclients');
      const withoutUse = ({ body: { clients } }: { body: { clients?: ListedClient[] } }) =>
        clients?.map((client) => ({ ...client, lastUsedTime: undefined, secrets: client.secrets.length }));
      expect(withoutUse(after)).toEqual(withoutUse(before as typeof after));
    });

    it.each([
      ['nobody', undefined, 401, 'Basic realm="carillon", Bearer'],
      ['a wrong secret', basic('test', 'wrong'), 401, 'Basic realm="carillon", Bearer'],
      ['an invalid token', 'Bearer nonsense', 401, 'Bearer error="invalid_token"'],
      [
        'a client without the scope',
        basic('push', 'hsup'),
        403,
        // The token is valid, so a challenge would not help.
        null,
      ],
    ])('%s gets its answer', async (_who, authorization, status, challenge) => {
      const response = await fetch(`${url}/mfpadmin/management-apis/2.0/runtimes/mfp/confidentialclients`, {
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(response.status).toBe(status);
      expect(response.headers.get('www-authenticate')).toBe(challenge);
    });

    it("an administrator's token without the scope of administration is refused", async () => {
      const bearer = new Admin(url, `Bearer ${await tokenOf('test', 'test', 'messages.write')}`);
      expect((await bearer.call('GET', '/confidentialclients')).status).toBe(403);
    });

    it('does not know another runtime', async () => {
      const path = '/mfpadmin/management-apis/2.0/runtimes/other/confidentialclients';
      expect((await fetch(url + path, { headers: { authorization: basic('test', 'test') } })).status).toBe(404);
    });
  });

  describe('OAuth libraries, unmodified', () => {
    let config: openid.Configuration;
    beforeAll(async () => {
      const secret = await admin.addClient('openid-client', 'messages.* push.application.*');
      const server = {
        issuer: 'carillon',
        token_endpoint: `${url}/mfp/api/az/v1/token`,
        revocation_endpoint: `${url}/mfp/api/az/v1/revocation`,
      };
      config = new openid.Configuration(server, 'openid-client', undefined, openid.ClientSecretBasic(secret));
      openid.allowInsecureRequests(config);
    });

    it('openid-client obtains a token, sends with it and revokes it', async () => {
      const token = await openid.clientCredentialsGrant(config, { scope: SCOPE });
      expect(token).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: SCOPE });
      const send = () =>
        openid.fetchProtectedResource(
          config,
          token.access_token,
          new URL(url + MESSAGES),
          'POST',
          HELLO,
          new Headers({ 'content-type': 'application/json' }),
        );
      expect((await send()).status).toBe(202);
      await openid.tokenRevocation(config, token.access_token);
      await expect(send()).rejects.toMatchObject({ status: 401, cause: [{ parameters: { error: 'invalid_token' } }] });
      await vi.waitFor(
        async () => expect((await readApplication(token.access_token, otherUrl)).status).toBe(401),
        5_000,
      );
    });

    it('openid-client reads the refusals', async () => {
      await expect(openid.clientCredentialsGrant(config, { scope: 'devices.write' })).rejects.toMatchObject({
        error: 'invalid_scope',
        status: 400,
      });
      const stranger = new openid.Configuration(
        config.serverMetadata(),
        'stranger',
        undefined,
        openid.ClientSecretBasic('x'),
      );
      openid.allowInsecureRequests(stranger);
      await expect(openid.clientCredentialsGrant(stranger)).rejects.toMatchObject({ error: 'invalid_client' });
    });

    it.each(['strict', 'loose'] as const)(
      'simple-oauth2 (%s encoding) with an id and secret that need it',
      async (mode) => {
        const secret = `p@ss:+%1 ${mode}`;
        await admin.call('POST', '/confidentialclients', { id: `te st+${mode}`, secret, allowedScope: '*' });
        const library = new ClientCredentials({
          client: { id: `te st+${mode}`, secret },
          auth: { tokenHost: url, tokenPath: '/mfp/api/az/v1/token' },
          options: { credentialsEncodingMode: mode },
        });
        const access = await library.getToken({ scope: SCOPE.split(' ') });
        expect(access.token).toMatchObject({ token_type: 'Bearer', scope: SCOPE });
        expect(access.expired()).toBe(false);
        const sent = await fetch(url + MESSAGES, {
          method: 'POST',
          headers: { authorization: `Bearer ${String(access.token.access_token)}` },
          body: HELLO,
        });
        expect(sent.status).toBe(202);
      },
    );

    it('jose verifies a token by the published keys, and introspection agrees', async () => {
      const token = await tokenOf('test', 'test', SCOPE);
      const keys = createRemoteJWKSet(new URL(`${otherUrl}/mfp/api/az/v1/jwks`));
      const { payload } = await jwtVerify(token, keys, { issuer: 'carillon', subject: 'test' });
      expect(payload.scope).toBe(SCOPE);
      const introspector = await tokenOf('push', 'hsup', 'authorization.introspect');
      const introspect = async (text: string) => {
        const response = await fetch(`${otherUrl}/mfp/api/az/v1/introspection`, {
          method: 'POST',
          headers: { authorization: `Bearer ${introspector}`, accept: 'application/json' },
          body: new URLSearchParams({ token: text, token_type_hint: 'access_token' }),
        });
        expect(response.status).toBe(200);
        return response.json();
      };
      expect(await introspect(token)).toEqual({
        active: true,
        scope: SCOPE,
        client_id: 'test',
        username: 'test',
        exp: payload.exp! * 1_000,
        'mfp-application': null,
        'mfp-device': null,
        'mfp-user': null,
        'mfp-checks': {},
      });
      for (const dead of ['nonsense', token.slice(0, -4)]) expect(await introspect(dead)).toEqual({ active: false });
    });
  });

  it('a client that is narrowed or disabled is refused within seconds in every process, and accepted again as soon as it is allowed', async () => {
    const secret = await admin.addClient('flicker', 'apps.read push.application.*');
    const token = await tokenOf('flicker', secret, 'apps.read push.application.com.example.app', otherUrl);
    const expectEverywhere = async (status: number): Promise<void> => {
      for (const at of [url, otherUrl]) expect((await readApplication(token, at)).status).toBe(status);
    };
    await expectEverywhere(200);
    for (const [change, refusal, undo] of [
      [{ allowedScope: 'push.application.*' }, 403, { allowedScope: 'apps.* push.application.*' }],
      [{ enabled: false }, 401, { enabled: true }],
    ] as const) {
      await admin.call('PATCH', '/confidentialclients/flicker', change);
      await vi.waitFor(() => expectEverywhere(refusal), 5_000);
      await admin.call('PATCH', '/confidentialclients/flicker', undo);
      await expectEverywhere(200);
    }
  });

  it('rotates keys and secrets under load without refusing a valid request', async () => {
    let secret = await admin.addClient('busy', 'apps.read push.application.*');
    /** The previous secret, which callers that do not know the new one use until shortly before its end. */
    let previous = { secret, until: 0 };
    const scope = 'apps.read push.application.com.example.app';
    const refused: string[] = [];
    const kids = new Set<string>();
    const first = await tokenOf('busy', secret, scope);
    let passed = 0;
    let passedWithPrevious = 0;
    let running = true;
    const work = async (from: string, to: string, isSlow: boolean): Promise<void> => {
      while (running) {
        const isOld = isSlow && Date.now() < previous.until;
        const answer = await requestToken(from, { id: 'busy', secret: isOld ? previous.secret : secret, scope });
        const { access_token: token, ...rest } = (await answer.json()) as { access_token?: string };
        if (token === undefined) {
          refused.push(`token ${answer.status} ${JSON.stringify(rest)}`);
          continue;
        }
        kids.add(decodeProtectedHeader(token).kid ?? '');
        for (const bearer of [token, first]) {
          const { status } = await readApplication(bearer, to);
          if (status !== 200) refused.push(`read ${status}`);
        }
        if (isOld) passedWithPrevious++;
        passed++;
      }
    };
    const workers = Array.from({ length: 16 }, (_, index) =>
      index % 2 ? work(url, otherUrl, index > 7) : work(otherUrl, url, index > 7),
    );
    const progress = async (): Promise<void> => {
      const until = passed + refused.length + 40;
      await vi.waitFor(() => expect(passed + refused.length).toBeGreaterThan(until), 60_000);
    };
    try {
      for (let round = 0; round < 3; round++) {
        await progress();
        // Without a lead, which an operator may choose: the other process meets the key before it was announced.
        await admin.call('POST', '/signingkeys', { leadSeconds: 0 });
        await progress();
        await vi.waitFor(
          async () => {
            const rotation = { overlapSeconds: 5 };
            const path = '/confidentialclients/busy/secret';
            const { status, body } = await admin.call<ListedClient & { secret: string }>('POST', path, rotation);
            // 409 until the secret before the last has expired, five seconds after its successor came.
            expect(status).toBe(200);
            previous = { secret, until: Date.parse(body.secrets[1]?.expiresTime ?? '') - 2_000 };
            secret = body.secret;
          },
          { timeout: 30_000, interval: 250 },
        );
      }
      await progress();
    } finally {
      running = false;
      await Promise.all(workers);
    }
    expect(refused).toEqual([]);
    expect(passedWithPrevious).toBeGreaterThan(0);
    expect(kids.size).toBeGreaterThanOrEqual(3);
  });

  it('has logged no secret and no token', () => {
    for (const carillon of processes)
      expect(carillon.output().split('Try the API')[1]).not.toMatch(/eyJ|listed-secret|p@ss|nimda|scrypt/);
  });
});
