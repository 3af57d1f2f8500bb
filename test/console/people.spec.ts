import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { IdentityProvider } from '../harness/identity-provider.js';
import { freePort } from '../harness/servers.js';
import { isMissing, startNginx } from '../medium/http2/real-peers.js';
import type { RealPeer } from '../medium/http2/real-peers.js';
import { SERVERS } from '../e2e/stages.js';
import { ELSEWHERE, expectAccessible, HAS_BROWSER, useBrowser } from './browser.js';

/**
 * People sign in through two names of two sites over https, as a browser sees them: another port would be the same
 * site, and would hide each fault of SameSite.
 */

const MESSAGES = '/console/apps/com.example.app/messages?state=paused#first';

describe.runIf(HAS_BROWSER && SERVERS && !isMissing('nginx'))('people', () => {
  const browser = useBrowser();
  const folder = mkdtempSync(join(tmpdir(), 'carillon-people-'));
  let carillon: RunningCarillon;
  let provider: IdentityProvider;
  let proxy: RealPeer;
  let pool: pg.Pool;
  let url: string;

  beforeAll(async () => {
    const [tls, port] = [await freePort(), await freePort()];
    url = `https://push.carillon.test:${tls}`;
    provider = new IdentityProvider([`${url}/console/api/people/callback`], `https://login.idp.test:${tls}`);
    await provider.start();
    const { certificate, key } = makeCertificate(folder);
    const site = (name: string, to: string): string =>
      `server { listen 127.0.0.1:${tls} ssl; server_name ${name}; ssl_certificate ${certificate}; ssl_certificate_key ${key};
         location / { proxy_pass ${to}; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https; } }`;
    proxy = await startNginx(
      '',
      `${site('push.carillon.test', `http://127.0.0.1:${port}`)} ${site('login.idp.test', provider.url)}`,
    );
    const names = join(folder, 'names');
    writeFileSync(names, 'login.idp.test 127.0.0.1\n');
    const resolver = new URL(`../harness/names.mjs?file=${encodeURIComponent(names)}`, import.meta.url).href;
    const { environment } = await SERVERS!.prepare();
    pool = new pg.Pool({ connectionString: environment.DATABASE_URL });
    carillon = await startCarillon(
      {
        ...environment,
        PORT: String(port),
        TRUST_PROXY: '127.0.0.1',
        NODE_EXTRA_CA_CERTS: certificate,
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: 'carillon',
        OIDC_CLIENT_SECRET: 'hush',
        OIDC_ROLES: 'push-admins:admin,desk:viewer',
      },
      ['--import', resolver],
    );
    provider.accounts.set('ada', { claims: { roles: ['push-admins'], name: 'Ada', email: 'ada@example.test' } });
    provider.accounts.set('dan', { claims: { roles: 'desk', name: 'Dan' } });
    provider.accounts.set('eve', { claims: { roles: ['push-admins-x'], name: 'Eve' } });
  });
  afterAll(async () => {
    await pool?.end();
    await carillon?.stop();
    await proxy?.stop();
    await provider?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const visit = () => browser.open({ ignoreHTTPSErrors: true });

  /** Goes to the identity provider's own page. */
  async function begin(page: Page, to = MESSAGES): Promise<void> {
    await page.goto(url + to);
    await page.getByRole('link', { name: 'login.idp.test' }).click();
    await page.waitForURL(/login\.idp\.test/);
  }

  /** At the identity provider's page. */
  async function choose(page: Page, account: string): Promise<void> {
    await page.locator('input[name=account]').fill(account);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(/push\.carillon\.test/);
  }

  async function signIn(page: Page, account: string, to?: string): Promise<void> {
    await begin(page, to);
    await choose(page, account);
    await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  }

  async function leave(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'Signed in as' }).click();
    const signOut = page.getByRole('menuitem', { name: 'Sign out' });
    await signOut.waitFor();
    // Without a scroll of the page, however long the allowed scope is.
    const { y, height } = (await signOut.boundingBox())!;
    expect(y + height).toBeLessThanOrEqual(page.viewportSize()!.height);
    await signOut.click();
    await page.getByRole('link', { name: 'login.idp.test' }).waitFor();
  }

  /** As if the sign-in had been two minutes ago; returns when the provider was asked again. */
  async function waitForCheck(page: Page, subject: string): Promise<void> {
    const moved = await pool.query<{ hash: string }>(
      `update console_session set checked_at = now() - interval '2 minutes' where created_at =
         (select max(created_at) from console_session where client_id = $1) returning hash`,
      [`person:${subject}`],
    );
    // Every process reads its sessions again.
    await pool.query(`update auth_change set version = version + 1 where subject = 'console_session'`);
    await expect
      .poll(async () => {
        await page.evaluate(`fetch('/console/api/session', { headers: { 'carillon-console': '1' } })`);
        const { rows } = await pool.query<{ old: boolean }>(
          `select checked_at <= now() - interval '2 minutes' old from console_session where hash = $1`,
          [moved.rows[0]?.hash],
        );
        return rows[0]?.old ?? false;
      })
      .toBe(false);
  }

  const cookiesOf = async (context: BrowserContext) =>
    (await context.cookies(url)).filter(({ name }) => name.startsWith('__Host-carillon-'));

  it('are told when the provider cannot be reached, and sign in as soon as it can', async () => {
    await provider.stop();
    const screen = await visit();
    const { page } = screen;
    try {
      await page.goto(url + MESSAGES);
      await page.getByRole('link', { name: 'login.idp.test' }).click();
      await page.getByRole('alert').waitFor();
      expect(new URL(page.url()).searchParams.get('problem')).toBe('providerAway');
      await expectAccessible(screen, 'people-provider-away');
    } finally {
      await provider.start();
    }
    await expect
      .poll(async () => {
        // A click during the navigation of the one before would end that navigation.
        const arrival = page.waitForEvent('framenavigated');
        await page.getByRole('link', { name: 'login.idp.test' }).click();
        await arrival;
        return new URL(page.url()).hostname;
      })
      .toBe('login.idp.test');
    await choose(page, 'ada');
    await page.getByRole('navigation', { name: 'Screens' }).waitFor();
    expect(page.url()).toBe(url + MESSAGES);
  });

  it('sign in by a click at their provider, end where they wanted to go, and sign out', async () => {
    const screen = await visit();
    const { page } = screen;
    await signIn(page, 'ada');
    expect(page.url()).toBe(url + MESSAGES);
    const session = (await cookiesOf(page.context())).find(({ name }) => !name.includes('sign-in'));
    expect(session).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Strict', path: '/' });
    await page.getByRole('button', { name: 'Signed in as Ada' }).waitFor();
    await expectAccessible(screen, 'people-signed-in');
    await leave(page);
    await page.goBack();
    await page.getByRole('link', { name: 'login.idp.test' }).waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
  });

  it('never leave the console, wherever an address leads', async () => {
    const { page, faults } = await visit();
    // The provider knows the person afterwards.
    await signIn(page, 'ada');
    for (const to of ELSEWHERE) {
      await leave(page);
      await page.goto(`${url}/console/sign-in?to=${encodeURIComponent(to)}`);
      await page.getByRole('link', { name: 'login.idp.test' }).click();
      await page.getByRole('navigation', { name: 'Screens' }).waitFor();
      expect(page.url(), to).toBe(`${url}/console/`);
    }
    expect(faults).toEqual([]);
  });

  it('have what their group allows, and without a group are told so', async () => {
    const { page } = await visit();
    await signIn(page, 'dan', '/console/apps/com.example.app/send');
    await page.getByText('messages.write').first().waitFor();
    const { page: other, faults } = await visit();
    await begin(other);
    await choose(other, 'eve');
    await other.getByRole('alert').waitFor();
    expect(new URL(other.url()).searchParams.get('problem')).toBe('noRole');
    expect(faults).toEqual([]);
  });

  it.each([
    ['refresh tokens, and groups at the userinfo endpoint', { givesRefreshTokens: true, tellsInToken: false }],
    ['refresh tokens, and groups in the ID token', { givesRefreshTokens: true, tellsInToken: true }],
    ['no refresh tokens', { givesRefreshTokens: false, tellsInToken: false }],
  ])('of a provider with %s lose a role, and everything, while the page is open', async (_what, kind) => {
    Object.assign(provider, kind);
    provider.accounts.set('rob', { claims: { roles: ['push-admins'], name: 'Rob' } });
    const { page } = await visit();
    await signIn(page, 'rob', '/console/administration/clients');
    await page.getByRole('table').waitFor();
    provider.accounts.set('rob', { claims: { roles: ['desk'], name: 'Rob' } });
    await waitForCheck(page, 'rob');
    await page.reload();
    await page.getByText('Your scope does not cover this').waitFor();
    provider.accounts.set('rob', { claims: {}, isDisabled: true });
    await page.goto(url + MESSAGES);
    await page.getByRole('table', { name: 'Messages' }).or(page.getByText('No message')).first().waitFor();
    await waitForCheck(page, 'rob');
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.waitFor();
    expect(await dialog.getByRole('link', { name: 'login.idp.test' }).count()).toBe(1);
  });

  it('sign in by five tabs at once, the last first, and by an address that was used already', async () => {
    const { page: first } = await visit();
    const context = first.context();
    const tabs = [first];
    while (tabs.length < 5) tabs.push(await context.newPage());
    const callbacks: string[] = [];
    context.on('request', (request) => {
      if (request.url().includes('/people/callback')) callbacks.push(request.url());
    });
    for (const [n, tab] of tabs.entries()) await begin(tab, `/console/apps/com.example.app/messages?label=tab${n}`);
    for (const [n, tab] of [...tabs.entries()].reverse()) {
      await choose(tab, 'ada');
      await tab.getByRole('navigation', { name: 'Screens' }).waitFor();
      expect(new URL(tab.url()).searchParams.get('label')).toBe(`tab${n}`);
    }
    expect(callbacks).toHaveLength(5);
    // The session is that of the first tab. Its own callback again, twice; the provider, asked then, took nothing back.
    for (let times = 0; times < 2; times++) {
      await first.goto(callbacks.at(-1)!);
      await first.getByRole('navigation', { name: 'Screens' }).waitFor();
      expect(new URL(first.url()).searchParams.get('label')).toBe('tab0');
    }
    await waitForCheck(first, 'ada');
    await first.goBack();
    await first.getByRole('navigation', { name: 'Screens' }).waitFor();
    expect(await first.getByRole('dialog').count()).toBe(0);
  });

  it('are told that a sign-in took longer than its cookie, and the next one leads on', async () => {
    const { page } = await visit();
    await begin(page);
    await page.context().clearCookies({ domain: 'push.carillon.test' });
    await choose(page, 'ada');
    await page.getByRole('alert').waitFor();
    expect(new URL(page.url()).searchParams.get('problem')).toBe('signInExpired');
    // The provider still knows the person.
    await page.getByRole('link', { name: 'login.idp.test' }).click();
    await page.getByRole('navigation', { name: 'Screens' }).waitFor();
    expect(page.url()).toBe(url + MESSAGES);
  });
});

function makeCertificate(folder: string): { certificate: string; key: string } {
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
      ...['-subj', '/CN=carillon', '-addext', 'subjectAltName=DNS:push.carillon.test,DNS:login.idp.test'],
      ...['-keyout', key, '-out', certificate],
    ],
    { stdio: 'ignore' },
  );
  return { certificate, key };
}
