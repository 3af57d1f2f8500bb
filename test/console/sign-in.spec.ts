import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { freePort } from '../harness/servers.js';
import { isMissing, startNginx } from '../medium/http2/real-peers.js';
import type { RealPeer } from '../medium/http2/real-peers.js';
import { EMBEDDED, STAGES } from '../e2e/stages.js';
import { ELSEWHERE, expectAccessible, HAS_BROWSER, nonceOf, signIn, signInAs, useBrowser } from './browser.js';

/** Script that returns the lightness of a picture, 0 to 255. */
const lightnessOf = (png: string): string => `(async () => {
  const picture = new Image();
  picture.src = 'data:image/png;base64,${png}';
  await picture.decode();
  const context = Object.assign(document.createElement('canvas'), { width: 16, height: 16 }).getContext('2d');
  context.drawImage(picture, 0, 0, 16, 16);
  const values = context.getImageData(0, 0, 16, 16).data.filter((value, index) => index % 4 < 3);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
})()`;

/** The way in and out, in a browser, against the built program. */

describe.runIf(HAS_BROWSER).each(STAGES)('sign-in, on $name', (stage) => {
  const browser = useBrowser();
  const program = runProgram(stage);

  it('is one click in development, and the page has no serious fault', async () => {
    const screen = await browser.open();
    await screen.page.goto(program.carillon.url, { waitUntil: 'networkidle' });
    expect(new URL(screen.page.url()).pathname).toBe('/console/sign-in');
    await expectAccessible(screen, 'sign-in');
    await screen.page.getByRole('button', { name: 'Sign in as test' }).click();
    await screen.page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(new URL(screen.page.url()).pathname).toBe('/console/');
  });

  it('by keyboard, says what is wrong with a secret and keeps the id', async () => {
    const { page } = await browser.open();
    await page.goto(`${program.carillon.url}/console/`);
    await page.getByLabel('Client id').fill('test');
    await page.keyboard.press('Tab');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Client id').inputValue()).toBe('test');
    await page.locator('input[name=password]').fill('test');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });

  it('goes on to the page that was asked for, with its filter and hash', async () => {
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, 'apps/com.example.app/messages?state=paused#first');
    const { pathname, search, hash } = new URL(page.url());
    expect(pathname + search + hash).toBe('/console/apps/com.example.app/messages?state=paused#first');
  });

  it.each(ELSEWHERE)('never leaves the console for %j', async (to) => {
    const { page, faults } = await browser.open();
    await signIn(page, program.carillon.url, `sign-in?to=${encodeURIComponent(to)}`);
    expect(page.url()).toBe(`${program.carillon.url}/console/`);
    expect(faults).toEqual([]);
  });

  it('ends with the session, keeps the screen, and goes on after a sign-in of the same client', async () => {
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, 'apps/com.example.app/messages');
    await page.getByLabel('Label').fill('half typed');
    await page.context().clearCookies();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.waitFor();
    await dialog.getByRole('button', { name: 'Sign in as test' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(await page.getByLabel('Label').inputValue()).toBe('half typed');
  });

  it('shows no light frame to a viewer who chose dark, on a slow computer, and another nonce each time', async () => {
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url);
    await page.getByRole('button', { name: 'Dark colours' }).click();
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor();
    const frames: string[] = [];
    const tools = await page.context().newCDPSession(page);
    await tools.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    tools.on('Page.screencastFrame', ({ data, sessionId }) => {
      frames.push(data);
      void tools.send('Page.screencastFrameAck', { sessionId });
    });
    await tools.send('Page.startScreencast', { format: 'png', maxWidth: 320, maxHeight: 200 });
    const nonces = new Set<string>();
    for (let time = 0; time < 10; time += 1) {
      const answer = await page.reload({ waitUntil: 'commit' });
      nonces.add(await nonceOf(answer));
      // The body is parsed after the script that sets the colours.
      await page.locator('body').waitFor({ state: 'attached' });
      expect(await page.locator('html').getAttribute('data-mantine-color-scheme')).toBe('dark');
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
    }
    expect(nonces.size).toBe(10);
    await tools.send('Page.stopScreencast');
    expect(screen.faults).toEqual([]);
    expect(frames.length).toBeGreaterThanOrEqual(10);
    const { page: reader } = await browser.open();
    for (const frame of frames) expect(await reader.evaluate(lightnessOf(frame))).toBeLessThan(64);
  });

  it('ends by signing out, and the address alone shows nothing afterwards', async () => {
    const { page } = await browser.open();
    await signIn(page, program.carillon.url);
    await page.getByRole('button', { name: 'Signed in as' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in as test' }).waitFor();
    await page.goto(`${program.carillon.url}/console/apps/com.example.app/messages`);
    await page.getByRole('button', { name: 'Sign in as test' }).waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
  });

  it('speaks German to a German browser', async () => {
    const screen = await browser.open({ locale: 'de-DE' });
    await screen.page.goto(program.carillon.url);
    await screen.page.getByRole('button', { name: 'Als test anmelden' }).click();
    await screen.page.getByRole('heading', { name: 'Übersicht' }).waitFor();
    expect(await screen.page.locator('html').getAttribute('lang')).toBe('de');
    await expectAccessible(screen, 'overview-german');
  });
});

/** Cookies do not know ports; a copy of a database has the installation's id of its original, as these two have. */
describe.runIf(HAS_BROWSER && !isMissing('nginx'))('two installations on one host, in one browser', () => {
  const browser = useBrowser();
  const staging = runProgram(EMBEDDED, {
    environment: () => ({ ENVIRONMENT_NAME: 'Staging', TRUST_PROXY: '127.0.0.1' }),
  });
  const production = runProgram(EMBEDDED, {
    environment: () => ({ ENVIRONMENT_NAME: 'Production', TRUST_PROXY: '127.0.0.1' }),
  });

  let secret: string;
  let proxy: RealPeer;
  let secure: string[];

  beforeAll(async () => {
    secret = await new Admin(production.carillon.url).addClient('night', 'messages.read push.*');
    const ports = [await freePort(), await freePort()];
    const site = (port: number, to: string): string =>
      `server { listen 127.0.0.1:${port} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;
         location / { proxy_pass ${to}; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https; } }`;
    proxy = await startNginx('', site(ports[0]!, staging.carillon.url) + site(ports[1]!, production.carillon.url));
    secure = ports.map((port) => `https://localhost:${port}`);
  });
  afterAll(() => proxy?.stop());

  it.each([
    ['http', () => [staging, production].map(({ carillon }) => `http://localhost:${new URL(carillon.url).port}`)],
    ['https', () => secure],
  ])('over %s keep sessions, names and colours apart, and each page acts as its own client', async (scheme, urls) => {
    const { page: first, faults } = await browser.open({ ignoreHTTPSErrors: true });
    const second = await first.context().newPage();
    await signIn(first, urls()[0]!);
    await signInAs(second, urls()[1]!, { id: 'night', secret });
    const cookies = await first.context().cookies(urls());
    expect(cookies.map(({ secure: isSecure }) => isSecure)).toEqual([scheme === 'https', scheme === 'https']);

    /** After a reload: the client of the session, the name of the installation, and the badge's colour. */
    const look = async (page: typeof first) => {
      await page.reload();
      const client = await page.getByRole('button', { name: 'Signed in as' }).getAttribute('aria-label');
      const badge = page.getByTitle('Environment');
      const [, colour] =
        /--badge-bg: var\(--mantine-color-(\w+)-/.exec((await badge.getAttribute('style')) ?? '') ?? [];
      return [client, await badge.innerText(), colour];
    };
    const addTag = `fetch('/imfpush/v1/apps/com.example.app/tags', {
      method: 'POST', headers: { 'carillon-console': '1', 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'apart-${scheme}' }) }).then(({ status }) => status)`;
    for (let time = 0; time < 2; time += 1) {
      expect(await look(first)).toEqual(['Signed in as test', 'Staging', 'orange']);
      expect(await look(second)).toEqual(['Signed in as night', 'Production', 'red']);
    }
    expect([await first.evaluate(addTag), await second.evaluate(addTag)]).toEqual([201, 403]);

    await first.getByRole('button', { name: 'Signed in as' }).click();
    await first.getByRole('menuitem', { name: 'Sign out' }).click();
    await first.getByRole('button', { name: 'Sign in as test' }).waitFor();
    expect(await look(second)).toEqual(['Signed in as night', 'Production', 'red']);
    expect(faults).toEqual([]);
  });
});
