import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin, RUNTIME } from '../harness/admin.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { ConsoleCaller } from '../harness/console.js';
import { IdentityProvider } from '../harness/identity-provider.js';
import { freePort } from '../harness/servers.js';
import { startSilentProxy } from '../harness/silent-proxy.js';
import { createTestCertificates } from '../simulators/test-certificates.js';
import { EMBEDDED } from './stages.js';

/** Sign-in of people by OpenID Connect, against a real identity provider. */

const APPS = '/imfpush/v1/apps/com.example.app';
const SESSION = '/console/api/session';
const ROLES = [
  'push-admins:admin',
  'marketing:author@com.example.app',
  'desk:viewer',
  'night:operator@com.example.other',
].join(',');

/** The address of a proxy; the tests call from 127.0.0.1. */
const PROXY = '127.0.0.2';

let clean: (() => void)[] = [];
let url: string;
let carillon: RunningCarillon;
let provider: IdentityProvider;

beforeAll(async () => {
  const port = await freePort();
  url = `http://localhost:${port}`;
  provider = new IdentityProvider([`${url}/console/api/people/callback`]);
  await provider.start();
  const { environment, clean: remove } = await EMBEDDED.prepare();
  clean = [remove];
  carillon = await startCarillon({
    ...environment,
    ...settingsOf(provider.issuer),
    PORT: String(port),
    TRUST_PROXY: PROXY,
  });
  for (const [id, roles] of Object.entries({
    ada: ['push-admins', 'other'],
    mia: 'marketing',
    dan: ['desk', 'night'],
    eve: ['push-admins-x', 'Push-Admins'],
    tom: null,
    max: { desk: true },
    sue: [...Array.from({ length: 300 }, (_, n) => `group-${n}`), 'desk'],
  }))
    provider.accounts.set(id, { claims: { roles, name: `${id} A.`, email: `${id}@example.test` } });
});
afterAll(async () => {
  await carillon?.stop();
  await provider?.stop();
  for (const each of clean) each();
});

function settingsOf(issuer: string, claim = 'roles'): Record<string, string> {
  return {
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: 'carillon',
    OIDC_CLIENT_SECRET: 'hush',
    OIDC_ROLES_CLAIM: claim,
    OIDC_ROLES: ROLES,
  };
}

/** A browser: cookies by host and port, and redirects by hand, so that each step can be seen. */
class Browser {
  readonly page: ConsoleCaller;
  private readonly atProvider: ConsoleCaller;

  constructor(at = url, idp = provider) {
    // A link of another site: the browser sends no session with it (SameSite=Strict), but the sign-in's cookie.
    this.page = new ConsoleCaller(at);
    this.atProvider = new ConsoleCaller(idp.url, {});
  }

  /** Goes to the provider; returns the address of its page, or of the console if it did not get there. */
  async begin(to = '/console/messages?x=1#y'): Promise<string> {
    const answer = await this.page.fetch('GET', `/console/api/people/sign-in?to=${encodeURIComponent(to)}`);
    return answer.headers.get('location') ?? '';
  }

  /** Signs in at the provider's page, without what is in front of it; returns the address of the callback. */
  async chooseAt(address: string, account: string): Promise<string> {
    const { pathname, search } = new URL(address, this.page.url);
    let next = new URL(pathname + search, this.atProvider.url).href;
    for (let steps = 0; steps < 8; steps++) {
      if (next.startsWith(this.page.url)) return next;
      const answer = await this.atProvider.fetch('GET', next);
      const location = answer.headers.get('location');
      if (location) next = new URL(location, this.atProvider.url).href;
      else {
        const made = await fetch(new URL(next, this.atProvider.url), {
          method: 'POST',
          redirect: 'manual',
          headers: { cookie: this.atProvider.cookies, 'content-type': 'application/x-www-form-urlencoded' },
          body: `account=${account}`,
        });
        next = new URL(made.headers.get('location') ?? '', this.atProvider.url).href;
      }
    }
    throw new Error(`the provider leads to ${next}`);
  }

  /** Returns where the callback leads to. */
  async finish(callback: string): Promise<string> {
    return (await this.page.fetch('GET', callback)).headers.get('location') ?? '';
  }

  async signIn(account: string, to?: string): Promise<string> {
    return this.finish(await this.chooseAt(await this.begin(to), account));
  }
}

const problemIn = (location: string) => new URL(location, url).searchParams.get('problem');

describe('a person', () => {
  it('is offered the provider, signs in, goes where it wanted to, and is told who it is', async () => {
    const browser = new Browser();
    expect(await browser.page.call('GET', '/console/api/start')).toMatchObject({
      body: { people: { label: new URL(provider.issuer).host } },
    });
    expect(await browser.signIn('ada')).toBe('/console/messages?x=1#y');
    const { body } = await browser.page.call<Record<string, string>>('GET', SESSION);
    expect(body).toMatchObject({
      kind: 'person',
      id: 'ada',
      name: 'ada A.',
      email: 'ada@example.test',
      applications: null,
    });
    const left = Date.parse(body.endsAt ?? '') - Date.parse(body.serverTime ?? '');
    expect(Math.round(left / 60_000)).toBe(60);
    expect(await browser.page.call('GET', `${RUNTIME}/confidentialclients`)).toMatchObject({ status: 200 });
  });

  it('administers within its role, and the audit names it', async () => {
    const browser = new Browser();
    await browser.signIn('ada');
    const made = await browser.page.call('POST', `${RUNTIME}/confidentialclients`, { id: 'by-ada', allowedScope: 'x' });
    expect(made.status).toBe(201);
    const { body } = await new Admin(url).call<{ events: unknown[] }>('GET', '/auditevents?size=1');
    expect(body.events[0]).toMatchObject({
      clientId: 'person:ada',
      action: 'client.create',
      person: { subject: 'ada', email: 'ada@example.test' },
    });
  });

  it('with a role in one application may act there alone', async () => {
    const browser = new Browser();
    await browser.signIn('mia');
    expect(await browser.page.call('GET', SESSION)).toMatchObject({ body: { applications: ['com.example.app'] } });
    expect(await browser.page.call('GET', `${APPS}/messages`)).toMatchObject({ status: 200 });
    for (const [method, path, body] of [
      ['GET', '/imfpush/v1/apps/com.example.other/messages', undefined],
      ['POST', `${APPS}/messages`, { message: { alert: 'Hello' } }],
      ['GET', `${RUNTIME}/confidentialclients`, undefined],
    ] as const)
      expect(await browser.page.call(method, path, body)).toMatchObject({ status: 403 });
  });

  it('with two roles has each of them in its own applications', async () => {
    const browser = new Browser();
    await browser.signIn('dan');
    expect(await browser.page.call('GET', `${APPS}/messages`)).toMatchObject({ status: 200 });
    expect(await browser.page.call('POST', `${APPS}/messages`, { message: { alert: 'x' } })).toMatchObject({
      status: 403,
    });
  });

  it('sends a message under its own name', async () => {
    const browser = new Browser();
    await browser.signIn('ada');
    const sent = await browser.page.call<{ messageId: string }>('POST', `${APPS}/messages`, {
      message: { alert: 'Hello' },
    });
    expect(sent.status).toBe(202);
    const report = await browser.page.call('GET', `${APPS}/messages/${sent.body.messageId}`);
    expect(report).toMatchObject({ body: { clientId: 'person:ada' } });
    const listed = await browser.page.call<{ messages: unknown[] }>('GET', `${APPS}/messages?clientId=person%3Aada`);
    expect(listed.body.messages).toHaveLength(1);
  });

  it.each(['eve', 'tom', 'max'])('%s has no role and is refused with the reason', async (account) => {
    const browser = new Browser();
    const location = await browser.signIn(account);
    expect(problemIn(location)).toBe('noRole');
    expect(new URL(location, url).searchParams.get('to')).toBe('/console/messages?x=1#y');
    expect(await browser.page.call('GET', SESSION)).toMatchObject({ status: 401 });
  });

  it('with 300 groups signs in', async () => {
    expect(await new Browser().signIn('sue')).toBe('/console/messages?x=1#y');
  });

  it('loses a role at the next sign-in, and cannot sign in when it is disabled', async () => {
    provider.accounts.set('rob', { claims: { roles: ['push-admins'] } });
    const browser = new Browser();
    await browser.signIn('rob');
    expect(await browser.page.call('GET', `${RUNTIME}/confidentialclients`)).toMatchObject({ status: 200 });
    const before = browser.page.copy();
    provider.accounts.set('rob', { claims: { roles: ['desk'] } });
    await browser.signIn('rob');
    expect(await browser.page.call('GET', `${RUNTIME}/confidentialclients`)).toMatchObject({ status: 403 });
    // The sign-in ended the session before.
    expect(await before.call('GET', SESSION)).toMatchObject({ status: 401 });
    provider.accounts.set('rob', { claims: {}, isDisabled: true });
    expect(problemIn(await new Browser().signIn('rob'))).toBe('refused');
  });

  it('signs out', async () => {
    const browser = new Browser();
    await browser.signIn('ada');
    const replayed = browser.page.copy();
    expect(await browser.page.call('DELETE', SESSION)).toMatchObject({ status: 204 });
    expect(await replayed.call('GET', SESSION)).toMatchObject({ status: 401 });
  });

  it('never ends outside of the console', async () => {
    for (const to of ['//evil.test', '/\\evil.test', '/%5Cevil.test', '/\t/evil.test', '/console/..//evil.test'])
      expect(await new Browser().signIn('ada', to)).toBe('/console/');
  });
});

describe('behind a proxy', () => {
  /** The callback that the provider is told, and the flags of the cookie. */
  async function begin(from: string, proto?: string) {
    const headers = { host: new URL(url).host, ...(proto !== undefined && { 'x-forwarded-proto': proto }) };
    const request = http.get(`${url}/console/api/people/sign-in`, { family: 4, localAddress: from, headers });
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
    answer.resume();
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    const redirect = new URL(answer.headers.location ?? '').searchParams.get('redirect_uri');
    return { redirect, isSecure: /; Secure(;|$)/.test(cookie), isHost: cookie.startsWith('__Host-') };
  }

  it.each([
    ['https', PROXY, 'https', true],
    ['https first', PROXY, 'https,http', true],
    ['http first', PROXY, 'http,https', false],
    ['nothing', PROXY, undefined, false],
    ['https, by a caller that is no proxy', '127.0.0.1', 'https', false],
  ] as const)('that tells %s, callback and cookie follow', async (_what, from, proto, isSecure) => {
    const redirect = new URL('/console/api/people/callback', url);
    if (isSecure) redirect.protocol = 'https:';
    expect(await begin(from, proto)).toEqual({ redirect: redirect.href, isSecure, isHost: isSecure });
  });
});

describe('sign-ins at once', () => {
  it('five tabs end where each wanted to go, the last first; a callback is good once', async () => {
    const browser = new Browser();
    const begun = [];
    for (let n = 0; n < 5; n++) begun.push(await browser.begin(`/console/${n}`));
    const callbacks = [];
    for (const address of begun) callbacks.push(await browser.chooseAt(address, 'ada'));
    for (let n = 4; n >= 0; n--) expect(await browser.finish(callbacks[n]!)).toBe(`/console/${n}`);
    // Signed in already: the code is not used a second time.
    expect(await browser.finish(callbacks[4]!)).toBe('/console/4');
    expect(await browser.page.call('GET', SESSION)).toMatchObject({ status: 200 });
    await browser.page.call('DELETE', SESSION);
    const again = await browser.finish(callbacks[4]!);
    expect(again).toMatch(/^\/console\/sign-in\?to=%2Fconsole%2F4&problem=failed$/);
    expect(await browser.page.call('GET', SESSION)).toMatchObject({ status: 401 });
  });

  it('an answer for another browser is refused, and tells that the sign-in is over', async () => {
    const other = new Browser();
    const callback = await other.chooseAt(await other.begin(), 'ada');
    const browser = new Browser();
    await browser.begin();
    expect(problemIn(await browser.finish(callback))).toBe('signInExpired');
    expect(await browser.page.call('GET', SESSION)).toMatchObject({ status: 401 });
    for (const query of ['', '?state=x&code=y', '?error=access_denied'])
      expect(problemIn(await browser.finish(`/console/api/people/callback${query}`))).toBe('signInExpired');
  });
});

describe('the provider', () => {
  it('may rotate its keys and be away for a while', async () => {
    await provider.stop();
    await provider.start();
    // The first token under the new key is refused, and the next sign-in asks for the keys.
    expect(problemIn(await new Browser().signIn('ada'))).toBe('failed');
    expect(await new Browser().signIn('ada')).toBe('/console/messages?x=1#y');
    expect(carillon.output()).toContain('no applicable keys found');
  });

  /** A provider in a state that no start may wait for, and the issuer as the settings name it. */
  interface Away {
    own: IdentityProvider;
    issuer: string;
    settings?: Record<string, string>;
    /** How often the provider was asked. */
    asked: () => number;
    heal: () => Promise<unknown>;
    stop: () => Promise<unknown>;
  }

  /** Without the slash at the end that the provider's own name has. */
  async function silent(callback: string): Promise<Away> {
    const port = await freePort();
    const own = new IdentityProvider([callback], `http://localhost:${port}/realm/`);
    await own.start();
    const proxy = await startSilentProxy(own.url, { host: '127.0.0.1', port });
    proxy.silence();
    const heal = () => Promise.resolve(proxy.heal());
    const issuer = `http://localhost:${port}/realm`;
    return { own, issuer, asked: () => proxy.connections(), heal, stop: () => proxy.stop() };
  }

  async function closed(callback: string): Promise<Away> {
    const own = new IdentityProvider([callback]);
    await own.start();
    await own.stop();
    const heal = () => own.start();
    return { own, issuer: own.issuer, asked: () => own.asked.length, heal, stop: () => Promise.resolve() };
  }

  /** The certificate of an authority that is not trusted. A slash that the provider's own name does not have. */
  async function untrusted(callback: string): Promise<Away> {
    const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'carillon-idp-')));
    clean.push(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
    const [wrong, right] = await Promise.all(folders.map(createTestCertificates));
    const front = createServer(wrong!, (request, response) => {
      const headers = { ...request.headers, 'x-forwarded-proto': 'https' };
      const inner = http.request(new URL(request.url!, own.url), { method: request.method, headers }, (answer) => {
        answer.pipe(response.writeHead(answer.statusCode!, answer.headers));
      });
      request.pipe(inner);
    });
    let asked = 0;
    front.on('connection', () => asked++).listen(0, 'localhost');
    await once(front, 'listening');
    const own = new IdentityProvider([callback], `https://localhost:${(front.address() as AddressInfo).port}/realm`);
    await own.start();
    return {
      own,
      issuer: `${own.issuer}/`,
      settings: { PROVIDER_CA_FILE: right!.caPath },
      asked: () => asked,
      heal: () => Promise.resolve(front.setSecureContext(right!)),
      stop: () => new Promise((resolve) => front.close(resolve).closeAllConnections()),
    };
  }

  it.each([
    ['is away', closed, /connect ECONNREFUSED/],
    ['accepts and never answers', silent, /timeout/],
    ['has a wrong certificate', untrusted, /certificate/],
  ])(
    '%s at the start: everything else works, the page tells it, and it heals by itself',
    async (_what, make, cause) => {
      const port = await freePort();
      const at = `http://localhost:${port}`;
      const { own, issuer, settings, asked, heal, stop } = await make(`${at}/console/api/people/callback`);
      own.accounts.set('ada', { claims: { resource_access: { 'my.client': { roles: ['desk'] } } } });
      const before = asked();
      const { environment, clean: remove } = await EMBEDDED.prepare();
      clean.push(remove);
      const people = settingsOf(issuer, 'resource_access.my.client.roles');
      const late = await startCarillon({ ...environment, ...people, ...settings, PORT: String(port) });
      try {
        expect((await fetch(`${at}/health/ready`)).status).toBe(200);
        expect(asked() - before).toBe(0);
        const browser = new Browser(at, own);
        const begun = browser.begin();
        expect(await new ConsoleCaller(at).signIn()).toMatchObject({ status: 201 });
        expect(problemIn(await begun)).toBe('providerAway');
        await expect
          .poll(() => /identity provider .* cannot be reached.*/.exec(late.output())?.[0], { timeout: 10_000 })
          .toMatch(cause);
        await heal();
        await expect.poll(async () => problemIn(await browser.begin()), { timeout: 20_000, interval: 100 }).toBeNull();
        expect(await browser.signIn('ada')).toBe('/console/messages?x=1#y');
        expect((await fetch(`${at}/health/ready`)).status).toBe(200);
        expect(late.output()).not.toContain('hush');
      } finally {
        await late.stop();
        await own.stop();
        await stop();
      }
    },
  );
});
