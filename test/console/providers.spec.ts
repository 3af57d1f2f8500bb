import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { Admin } from '../harness/admin.js';
import { P12_PASSWORD, makeP12 } from '../harness/p12.js';
import { runProgram } from '../harness/program.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { createApnsCredentials } from '../simulators/credentials.js';
import { STAGES } from '../e2e/stages.js';
import { HAS_BROWSER, expectAccessible, signIn, signInAs, useBrowser } from './browser.js';

/** The providers' screen, in a browser, against the built program and simulators of the providers. */

const SCREEN = 'apps/com.example.app/providers';

describe.runIf(HAS_BROWSER).each(STAGES)('providers, on $name', (stage) => {
  let simulators: RunningSimulators;
  beforeAll(async () => {
    simulators = await startSimulators();
    await simulators.admin.setTokenMode('strict', 'apns');
  });
  afterAll(() => simulators?.stop());
  const browser = useBrowser();
  const program = runProgram(stage, {
    environment: () => ({ APNS_URL: simulators.apns.url, PROVIDER_CA_FILE: simulators.caPath ?? '' }),
  });
  const put = async (conf: string, body: object): Promise<void> => {
    expect((await program.api.app('PUT', `/settings/${conf}`, body)).status).toBe(200);
  };
  const upstream = () => ({ baseUrl: simulators.mobilefirst.url, ...simulators.credentials.mobilefirst });
  beforeEach(async () => {
    for (const conf of ['apnsConf', 'webPushConf', 'upstreamConf'])
      await program.api.app('DELETE', `/settings/${conf}`);
  });
  const card = (page: Page, name: string): Locator => page.getByRole('region', { name });
  const open = async (page: Page, button: string): Promise<Locator> => {
    await page.getByRole('button', { name: button, exact: true }).click();
    return page.getByRole('dialog', { name: button.replace(/^.*: /, '') });
  };

  it('a key file is uploaded, tested without a push, and saved; no secret stays on the page', async () => {
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, SCREEN);
    await card(page, 'Apple (APNs)').getByText('not configured').waitFor();
    await expectAccessible(screen, 'providers-empty');
    const { key, keyId, teamId, bundleId } = simulators.credentials.apns;
    const form = await open(page, 'Set up: Apple (APNs)');
    const file = { mimeType: 'text/plain', buffer: Buffer.from(key) };
    await form.getByLabel('Key file (.p8)').setInputFiles({ name: `AuthKey_${keyId}.p8`, ...file });
    await expect.poll(() => form.getByLabel('Key id').inputValue()).toBe(keyId);
    await form.getByLabel('Team id').fill(teamId);
    await form.getByLabel('Bundle id').fill(bundleId);
    await form.getByRole('button', { name: 'Test' }).click();
    await form.getByText('Accepted. No device got anything.').waitFor();
    await expectAccessible(screen, 'provider-form');
    expect((await simulators.admin.ledger('apns')).accepted).toBe(0);
    expect((await program.api.app('GET', '/settings/apnsConf')).status).toBe(404);
    await form.getByRole('button', { name: 'Save' }).click();
    await card(page, 'Apple (APNs)').getByText(keyId).waitFor();
    await page.getByRole('button', { name: 'Test: Apple (APNs)' }).click();
    await card(page, 'Apple (APNs)').getByText('Accepted.').waitFor();
    expect(await page.content()).not.toContain(key.slice(60, 90));
    await expectAccessible(screen, 'providers');
  });

  it('a refused key is told in the provider’s words with what to do, and what was typed stays', async () => {
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, SCREEN);
    const { key, keyId, teamId, bundleId } = createApnsCredentials('com.example.app').credentials;
    const form = await open(page, 'Set up: Apple (APNs)');
    await form.getByLabel('Key file (.p8)').setInputFiles({ name: 'a.p8', mimeType: '', buffer: Buffer.from(key) });
    for (const [label, value] of [
      ['Key id', keyId],
      ['Team id', teamId],
      ['Bundle id', bundleId],
    ] as const)
      await form.getByLabel(label).fill(value);
    await form.getByRole('button', { name: 'Test' }).click();
    await form.getByText('InvalidProviderToken').waitFor();
    await form.getByText(/Compare key, key id, team id/).waitFor();
    await form.getByLabel('Bundle id').fill('com.example');
    expect(await form.getByText('InvalidProviderToken').count()).toBe(0);
    await form.getByLabel('Key id').fill('short');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByRole('alert').getByText('10 capital letters').waitFor();
    expect(await form.getByLabel('Bundle id').inputValue()).toBe('com.example');
  });

  it('a certificate is uploaded, and the card shows its end', async () => {
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, SCREEN);
    const form = await open(page, 'Set up: Apple (APNs)');
    await form.getByRole('radio', { name: 'Certificate (.p12)' }).click();
    const file = { name: 'push.p12', mimeType: '', buffer: makeP12('/CN=Push').p12 };
    await form.getByLabel('Certificate file (.p12)').setInputFiles(file);
    await form.locator('input[name=provider-password]').fill(P12_PASSWORD);
    await form.getByLabel('Bundle id').fill('com.example.app');
    await form.getByRole('button', { name: 'Save' }).click();
    await card(page, 'Apple (APNs)').getByText('The certificate ends on').waitFor();
    await card(page, 'Apple (APNs)').getByText('push.p12').waitFor();
    const { body } = await program.api.app('GET', '/settings/apnsConf');
    expect(body).toMatchObject({ certificate: 'push.p12', bundleId: 'com.example.app' });
  });

  it('a paused provider says why, since when and what to do, and is resumed', async () => {
    const { credentials, registration } = createApnsCredentials('com.example.app');
    await put('apnsConf', credentials);
    await program.api.registerDevices([{ deviceId: 'phone', platform: 'A', token: 'ab'.repeat(32) }]);
    await simulators.admin.registerTokens('apns', ['ab'.repeat(32)]);
    const id = await program.api.send({ message: { alert: 'Hello' }, target: { deviceIds: ['phone'] } });
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, SCREEN);
    const apple = card(page, 'Apple (APNs)');
    await apple.getByText('InvalidProviderToken').waitFor();
    await apple.getByText('paused', { exact: true }).waitFor();
    await apple.getByText(/The provider refuses the credentials/).waitFor();
    await expectAccessible(screen, 'providers-paused');
    await simulators.admin.registerCredentials({ apns: registration });
    await apple.getByRole('button', { name: 'Resume: Apple (APNs)' }).click();
    await apple.getByText('works').waitFor();
    await expectAccessible(screen, 'providers-working');
    expect((await program.api.waitFor(id)).outcomes.accepted).toBe(1);
  });

  it('the public key of Web Push has a snippet', async () => {
    await put('webPushConf', { subject: 'mailto:push@example.com' });
    const { body } = await program.api.app<{ publicKey: string }>('GET', '/settings/webPushConf');
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, SCREEN);
    const snippet = card(page, 'Browsers (Web Push)').locator('pre');
    expect(await snippet.textContent()).toContain(`applicationServerKey: '${body.publicKey}'`);
  });

  it('the share of the upstream is moved by keyboard; the secret is neither sent nor lost', async () => {
    await put('upstreamConf', { ...upstream(), mode: 'both', share: 10 });
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, SCREEN);
    const sent: unknown[] = [];
    page.on('request', (request) => request.method() === 'PUT' && sent.push(request.postDataJSON()));
    const form = await open(page, 'Change: MobileFirst server (upstream)');
    const slider = form.getByRole('slider', { name: 'Share' });
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await form.getByText('11 % of users from here, 89 % by the upstream').waitFor();
    await expectAccessible(screen, 'provider-upstream');
    await form.getByRole('button', { name: 'Save' }).click();
    await card(page, 'MobileFirst server (upstream)').getByText('11 % of users').waitFor();
    const { secret: _secret, ...visible } = upstream();
    expect(sent).toEqual([{ ...visible, mode: 'both', share: 11 }]);
    const tested = await program.api.app('POST', '/settings/upstreamConf/test');
    expect(tested.body).toEqual({ result: 'accepted' });
  });

  it('no field of a secret is filled in by the browser', async () => {
    await put('upstreamConf', upstream());
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, SCREEN);
    for (const button of [
      'Change: MobileFirst server (upstream)',
      'Set up: Windows (WNS)',
      'Set up: Huawei (HMS)',
      'Set up: Browsers (Web Push)',
    ]) {
      const form = await open(page, button);
      const secrets = form.locator('input[type=password]');
      await secrets.first().waitFor();
      const fields = await secrets.all();
      for (const field of fields) {
        expect(await field.getAttribute('autocomplete')).toBe('new-password');
        expect(await field.inputValue()).toBe('');
      }
      await form.getByRole('button', { name: 'Cancel' }).click();
    }
  });

  it('the second of two editors sees both versions, and only what was changed here is put over the other', async () => {
    await put('upstreamConf', { ...upstream(), mode: 'both', share: 10 });
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, SCREEN);
    const name = 'Change: MobileFirst server (upstream)';
    let form = await open(page, name);
    await form.getByLabel('Client id').waitFor();
    await put('upstreamConf', { ...upstream(), mode: 'both', share: 70 });
    await form.getByLabel('Client id').fill('mine');
    await form.locator('input[name=provider-secret]').fill('of mine');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Another person saved a change meanwhile').waitFor();
    expect(await form.getByRole('row', { name: /^Share/ }).textContent()).toBe('Share7010');
    expect(await form.getByRole('row', { name: /^Client id/ }).textContent()).toBe('Client idrelaymine');
    expect(await form.getByRole('alert').textContent()).not.toContain('of mine');
    await expectAccessible(screen, 'provider-conflict');
    await form.getByRole('button', { name: 'Save my changes over them' }).click();
    await card(page, 'MobileFirst server (upstream)').getByText('70 % of users').waitFor();
    const { body } = await program.api.app('GET', '/settings/upstreamConf');
    expect(body).toMatchObject({ clientId: 'mine', share: 70 });

    form = await open(page, name);
    await form.getByLabel('Client id').waitFor();
    await put('upstreamConf', { ...upstream(), mode: 'both', share: 30 });
    await form.getByLabel('Client id').fill('again');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByRole('button', { name: 'Take the saved values' }).click();
    expect(await form.getByLabel('Client id').inputValue()).toBe('relay');
    await form.getByText('30 % of users').waitFor();
    expect((await program.api.app('GET', '/settings/upstreamConf')).body).toMatchObject({
      clientId: 'relay',
      share: 30,
    });
  });

  it('the words of a provider are text, whatever they hold', async () => {
    await put('webPushConf', { subject: 'mailto:push@example.com' });
    const words = '<img src=x onerror="window.hurt=1"> javascript:alert(1)';
    const screen = await browser.open();
    const { page } = screen;
    await page.route('**/imfpush/**/providers', async (route) => {
      const answer = await route.fetch();
      const { providers } = (await answer.json()) as { providers: object[] };
      const paused = { pausedReason: words, pausedTime: new Date().toISOString() };
      await route.fulfill({ json: { providers: providers.map((each) => ({ ...each, ...paused })) } });
    });
    await page.route('**/test', (route) => route.fulfill({ json: { result: 'refused', reason: words, next: words } }));
    await signIn(page, program.carillon.url, SCREEN);
    await card(page, 'Browsers (Web Push)').getByText(words).waitFor();
    await page.getByRole('button', { name: 'Test: Browsers (Web Push)' }).click();
    await expect.poll(() => page.getByText(words).count()).toBe(2);
    expect(await page.evaluate('window.hurt')).toBeUndefined();
    expect(await page.locator('main a[href^="javascript:"]').count()).toBe(0);
    await expectAccessible(screen, 'providers-markup');
  });

  it('settings are removed after a question', async () => {
    await put('webPushConf', { subject: 'mailto:push@example.com' });
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, SCREEN);
    await page.getByRole('button', { name: 'Remove: Browsers (Web Push)' }).click();
    const question = page.getByRole('dialog');
    await question.getByText('Devices stay registered').waitFor();
    await question.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('button', { name: 'Set up: Browsers (Web Push)' }).waitFor();
    expect((await program.api.app('GET', '/settings/webPushConf')).status).toBe(404);
  });

  it('failing and forbidden are told; without a scope the buttons name it', async () => {
    await put('webPushConf', { subject: 'mailto:push@example.com' });
    const failing = await browser.open();
    await failing.page.route('**/imfpush/**/providers', (route) => route.abort());
    await signIn(failing.page, program.carillon.url, SCREEN);
    await failing.page.getByText('This could not be read').waitFor();

    const admin = new Admin(program.carillon.url);
    const application = 'push.application.com.example.app';
    const none = await admin.addClient('nothing', `messages.read ${application}`);
    const forbidden = await browser.open();
    await signInAs(forbidden.page, program.carillon.url, { id: 'nothing', secret: none }, SCREEN);
    await forbidden.page.getByText('Your scope does not cover this').waitFor();
    await expectAccessible(forbidden, 'providers-forbidden');

    const reader = await admin.addClient('watcher', `settings.read ${application}`);
    const reading = await browser.open();
    await signInAs(reading.page, program.carillon.url, { id: 'watcher', secret: reader }, SCREEN);
    const button = reading.page.getByRole('button', { name: 'Change: Browsers (Web Push)' });
    expect(await button.getAttribute('aria-description')).toBe(
      'Needs the scope webPushConf.write, which you do not have',
    );
    await card(reading.page, 'Browsers (Web Push)').getByText('webPushConf.read').waitFor();
  });
});
