import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { exportJWK, generateKeyPair } from 'jose';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestToken } from '../harness/api.js';
import { Admin, basic } from '../harness/admin.js';
import { isMissing } from '../medium/http2/real-peers.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from '../e2e/stages.js';
import { expectAccessible, HAS_BROWSER, signIn, useBrowser } from './browser.js';

/** Clients, webhooks, audit and system, in a browser, against the built program. */

const run = promisify(execFile);

describe.runIf(HAS_BROWSER).each(STAGES)('administration, on $name', (stage) => {
  const browser = useBrowser();
  const program = runProgram(stage, { environment: () => ({ WEBHOOK_ALLOW_PRIVATE: 'true' }) });
  const url = () => program.carillon.url;

  it.skipIf(isMissing('curl'))(
    'a client is registered, its secret is shown once, and curl gets a token with it',
    async () => {
      const screen = await browser.open();
      const { page } = screen;
      await signIn(page, url(), 'administration/clients');
      await page.getByRole('button', { name: 'New client' }).click();
      const form = page.getByRole('dialog', { name: 'New client' });
      await form.getByLabel('Display name').fill('The shop');
      await form.locator('input[name=client-id]').fill('shop');
      await form
        .getByLabel('Allowed scope')
        .first()
        .pressSequentially('messages.write push.application.com.example.app ');
      await page.keyboard.press('Tab');
      await form.getByText('in the application com.example.app').waitFor();
      await expectAccessible(screen, 'client-form');
      await form.getByRole('button', { name: 'Create' }).click();
      const shown = page.getByRole('dialog', { name: 'The secret of shop' });
      const secret = (await shown.locator('pre').textContent()) ?? '';
      await expectAccessible(screen, 'client-secret');
      await shown.getByRole('button', { name: 'I have kept it' }).click();
      await page.getByRole('cell', { name: 'The shop' }).waitFor();
      expect(await page.content()).not.toContain(secret);
      // As a backend engineer tries it.
      const scope = 'messages.write push.application.com.example.app';
      const { stdout } = await run('curl', [
        ...['--silent', '--user', `shop:${secret}`],
        ...['--data-urlencode', 'grant_type=client_credentials', '--data-urlencode', `scope=${scope}`],
        `${url()}/mfp/api/az/v1/token`,
      ]);
      expect(JSON.parse(stdout)).toMatchObject({ token_type: 'Bearer', scope });
      await expectAccessible(screen, 'clients');
    },
  );

  it('a change of one field sends this field alone, and the old secret stays right', async () => {
    await new Admin(url()).addClient('crm', 'messages.*');
    const { page } = await browser.open();
    await signIn(page, url(), 'administration/clients');
    const sent: unknown[] = [];
    page.on('request', (request) => request.method() === 'PATCH' && sent.push(request.postDataJSON()));
    await page.getByRole('button', { name: 'Change: crm' }).click();
    const form = page.getByRole('dialog', { name: 'Change: crm' });
    expect(await form.locator('input[type=password]').count()).toBe(0);
    await form.getByLabel('Display name').fill('Customers');
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('cell', { name: 'Customers' }).waitFor();
    expect(sent).toEqual([{ displayName: 'Customers' }]);
  });

  it('a secret is rotated with an overlap: both hold', async () => {
    const secret = await new Admin(url()).addClient('till', 'messages.*');
    const { page } = await browser.open();
    await signIn(page, url(), 'administration/clients');
    await page.getByRole('button', { name: 'New secret: till' }).click();
    await page.getByRole('radio', { name: 'for an hour' }).click();
    await page.getByRole('button', { name: 'Make the new secret' }).click();
    const shown = page.getByRole('dialog', { name: 'The secret of till' });
    const next = (await shown.locator('pre').textContent()) ?? '';
    for (const each of [secret, next])
      expect((await requestToken(url(), { id: 'till', secret: each, scope: 'messages.read' })).status).toBe(200);
  });

  it('a wrong entry is told beside the form, which keeps what was typed', async () => {
    const { page } = await browser.open();
    await signIn(page, url(), 'administration/clients');
    await page.getByRole('button', { name: 'New client' }).click();
    const form = page.getByRole('dialog', { name: 'New client' });
    await form.locator('input[name=client-id]').fill('a:b');
    await form.getByLabel('Allowed scope').first().pressSequentially('messages.read ');
    await page.keyboard.press('Tab');
    await form.getByRole('button', { name: 'Create' }).click();
    await form.getByRole('alert').getByText('colon').waitFor();
    expect(await form.locator('input[name=client-id]').inputValue()).toBe('a:b');
  });

  it('without the role the screens say which scope is missing', async () => {
    const secret = await new Admin(url()).addClient('reader', 'messages.read push.application.*');
    const screen = await browser.open();
    const { page } = screen;
    await page.goto(`${url()}/console/administration/clients`);
    await page.getByLabel('Client id').fill('reader');
    await page.locator('input[name=password]').fill(secret);
    await page.keyboard.press('Enter');
    await page.getByText('Your scope does not cover this').waitFor();
    await expectAccessible(screen, 'clients-forbidden');
    for (const name of ['audit', 'system']) {
      await page.goto(`${url()}/console/administration/${name}`);
      await page.getByText('Your scope does not cover this').waitFor();
    }
  });

  it('the audit is filtered by the address, and an empty result says so', async () => {
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, url(), 'administration/audit?action=client.create');
    await page.getByRole('cell', { name: 'Client: created client.create' }).first().waitFor();
    expect(await page.getByLabel('Action').inputValue()).toBe('client.create');
    expect(await page.getByRole('cell', { name: 'session.create' }).count()).toBe(0);
    await expectAccessible(screen, 'audit');
    await page.getByLabel('Subject').fill('nothing of this name');
    await page.getByRole('heading', { name: 'No events' }).waitFor();
    expect(new URL(page.url()).searchParams.get('subject')).toBe('nothing of this name');
  });

  it('the audit shows the same page after back, a reload and in another browser', async () => {
    for (let tag = 0; tag < 55; tag += 1) await program.api.app('POST', '/tags', { name: `audited-${tag}` });
    const { page } = await browser.open();
    const path = 'administration/audit?action=tag.create';
    await signIn(page, url(), path);
    const rowsOf = (one: Page) => one.getByRole('row').allInnerTexts();
    await expect.poll(async () => (await rowsOf(page)).length).toBe(51);
    await page.getByRole('button', { name: 'Next page' }).click();
    await expect.poll(async () => (await rowsOf(page)).length).toBeLessThan(51);
    const second = await rowsOf(page);
    const address = page.url();
    expect(new URL(address).searchParams.has('before')).toBe(true);
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'System' }).click();
    await page.getByRole('heading', { name: 'System', level: 1 }).waitFor();
    await page.goBack();
    await expect.poll(() => rowsOf(page)).toEqual(second);
    await page.reload();
    await expect.poll(() => rowsOf(page)).toEqual(second);
    const { page: other } = await browser.open();
    await signIn(other, url(), address.slice(`${url()}/console/`.length));
    await expect.poll(() => rowsOf(other)).toEqual(second);
    await page.getByRole('button', { name: 'First page' }).click();
    await expect.poll(async () => (await rowsOf(page)).length).toBe(51);
  });

  it('the audit shows the outcome of each act, and lists the refused ones', async () => {
    const form = { method: 'POST', headers: { authorization: basic('test', 'wrong') } };
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'messages.read' });
    expect((await fetch(`${url()}/mfp/api/az/v1/token`, { ...form, body })).status).toBe(400);
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, url(), 'administration/audit');
    await page.getByRole('cell', { name: 'done', exact: true }).first().waitFor();
    await page.getByRole('combobox', { name: 'Outcome' }).click();
    await page.getByRole('option', { name: 'refused' }).click();
    await page.getByRole('cell', { name: 'sign_in' }).first().waitFor();
    await page.getByRole('cell', { name: 'refused' }).first().waitFor();
    await expect.poll(() => page.getByRole('cell', { name: 'done', exact: true }).count()).toBe(0);
    expect(new URL(page.url()).searchParams.get('outcome')).toBe('refused');
    await expectAccessible(screen, 'audit-refused');
  });

  it('a client shows the ends of its secrets, and its keys or their address', async () => {
    const admin = new Admin(url());
    const made = { allowedScope: 'messages.read' };
    await admin.call('POST', '/confidentialclients', { id: 'ending', ...made, secretExpiresInSeconds: 86_400 });
    const keys = { keys: [await exportJWK((await generateKeyPair('ES256')).publicKey)] };
    await admin.call('POST', '/confidentialclients', { id: 'keyed', ...made, jwks: keys });
    const jwksUri = 'https://keys.example.com/set';
    await admin.call('POST', '/confidentialclients', { id: 'addressed', ...made, jwksUri });
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, url(), 'administration/clients');
    const row = (id: string) =>
      page.getByRole('row').filter({ has: page.getByRole('cell', { name: id, exact: true }) });
    await row('ending')
      .getByText(/^Secret until /)
      .waitFor();
    await row('keyed').getByText('1 public key', { exact: true }).waitFor();
    await row('addressed').getByText(`Public keys at ${jwksUri}`).waitFor();
    await row('test').getByText('Secret without end').waitFor();
    await expectAccessible(screen, 'clients-proofs');
  });

  it('the audit is exported as a file that ends with its trailer', async () => {
    const { page } = await browser.open();
    await signIn(page, url(), 'administration/audit');
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    const chunks: Buffer[] = [];
    for await (const chunk of await (await downloading).createReadStream()) chunks.push(chunk as Buffer);
    const lines = Buffer.concat(chunks).toString().trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ trailer: { count: lines.length - 1 } });
  });

  it('the system shows the processes and that nothing is wrong', async () => {
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, url(), 'administration/system');
    await page.getByRole('cell', { name: 'api, worker, scheduler' }).waitFor();
    const kept = page.getByRole('region', { name: 'Retention' });
    await kept.getByRole('row', { name: 'Ended messages 30 days' }).waitFor();
    await expectAccessible(screen, 'system');
  });

  it('a webhook is made, with its secret shown once, and deleted', async () => {
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, url(), 'apps/com.example.app/webhooks');
    await page.getByRole('heading', { name: 'No webhooks' }).waitFor();
    await expectAccessible(screen, 'webhooks-empty');
    await page.getByRole('button', { name: 'New webhook' }).click();
    const form = page.getByRole('dialog', { name: 'New webhook' });
    await form.getByLabel('Name').fill('crm');
    await form.getByLabel('URL').fill('https://crm.example.com/carillon');
    await form.locator('.mantine-MultiSelect-input').click();
    await page.getByRole('option', { name: 'onSubscribe', exact: true }).click();
    await form.getByLabel('Name').click();
    await form.getByRole('button', { name: 'Create' }).click();
    const shown = page.getByRole('dialog', { name: 'The secret of crm' });
    await shown.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByRole('cell', { name: 'https://crm.example.com/carillon' }).waitFor();
    await expectAccessible(screen, 'webhooks');
    await page.getByRole('button', { name: 'Delete: crm' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No webhooks' }).waitFor();
  });

  it('two administrators who change one client: the second sees both versions, and no other field is written', async () => {
    const admin = new Admin(url());
    await admin.addClient('pos', 'messages.read');
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, url(), 'administration/clients');
    await page.getByRole('button', { name: 'Change: pos' }).click();
    const form = page.getByRole('dialog', { name: 'Change: pos' });
    await form.getByLabel('Display name').waitFor();
    await admin.call('PATCH', '/confidentialclients/pos', { displayName: 'Theirs', allowedScope: 'messages.*' });
    await form.getByLabel('Display name').fill('Mine');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.getByText('Another person saved a change meanwhile').waitFor();
    expect(await form.getByRole('row', { name: /^Display name/ }).textContent()).toBe('Display nameTheirsMine');
    await expectAccessible(screen, 'client-conflict');
    await form.getByRole('button', { name: 'Save my changes over them' }).click();
    await page.getByRole('cell', { name: 'Mine' }).waitFor();
    const { body } = await admin.call('GET', '/confidentialclients/pos');
    expect(body).toMatchObject({ displayName: 'Mine', allowedScope: 'messages.*' });
  });

  it('a client is bound to certificates by a switch, which is shown in its row', async () => {
    await new Admin(url()).addClient('bound', 'messages.read');
    const { page } = await browser.open();
    await signIn(page, url(), 'administration/clients?find=bound');
    await page.getByRole('button', { name: 'Change: bound' }).click();
    await page.getByRole('switch', { name: 'Tokens over a client certificate alone' }).press('Space');
    const changed = page.waitForRequest((request) => request.method() === 'PATCH');
    await page.getByRole('button', { name: 'Save' }).click();
    expect((await changed).postDataJSON()).toEqual({ certificateBound: true });
    await page.getByRole('cell', { name: 'Client certificate' }).waitFor();
  });

  it('a client that another administrator has changed is deleted at a second press', async () => {
    const admin = new Admin(url());
    await admin.addClient('old', 'messages.read');
    const { page } = await browser.open();
    await signIn(page, url(), 'administration/clients');
    await page.getByRole('button', { name: 'Delete: old' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete: old' });
    await dialog.getByRole('button', { name: 'Delete' }).waitFor();
    await admin.call('PATCH', '/confidentialclients/old', { displayName: 'In use again' });
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByText('Another person has changed it').waitFor();
    expect((await admin.call('GET', '/confidentialclients/old')).status).toBe(200);
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect((await admin.call('GET', '/confidentialclients/old')).status).toBe(404);
  });

  it('two administrators add a client at one moment: both exist', async () => {
    const pages = await Promise.all(['east', 'west'].map(async (id) => ({ id, page: (await browser.open()).page })));
    for (const { id, page } of pages) {
      await signIn(page, url(), 'administration/clients');
      await page.getByRole('button', { name: 'New client' }).click();
      await page.locator('input[name=client-id]').fill(id);
      await page.getByRole('dialog').getByLabel('Allowed scope').first().pressSequentially('messages.read ');
      await page.keyboard.press('Tab');
    }
    await Promise.all(pages.map(({ page }) => page.getByRole('button', { name: 'Create' }).click()));
    for (const { id, page } of pages) await page.getByRole('dialog', { name: `The secret of ${id}` }).waitFor();
    const { body } = await new Admin(url()).call<{ clients: { id: string }[] }>('GET', '/confidentialclients');
    expect(body.clients.map(({ id }) => id)).toEqual(expect.arrayContaining(['east', 'west']));
  });

  describe('a webhook with an endpoint', () => {
    let status = 500;
    const received: string[] = [];
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        received.push(String(request.headers['x-carillon-event-id']));
        response.writeHead(status).end('<img src=x onerror=alert(1)>');
      });
    });
    beforeAll(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const body = { name: 'till', url: address, eventTypes: 'onDeviceRegister' };
      await program.api.app('POST', '/webhooks', body);
    });
    afterAll(() => void server.close());

    it('shows its tries, sends a test event, and tries again what waits', async () => {
      await program.api.registerDevices([{ deviceId: 'new', platform: 'G', token: 'sandbox:accepted:new' }]);
      const screen = await browser.open();
      const { page } = screen;
      await signIn(page, url(), 'apps/com.example.app/webhooks');
      await page.getByRole('button', { name: 'Tries: till' }).click();
      const tries = page.getByRole('dialog', { name: 'Deliveries of till' });
      await tries.getByRole('cell', { name: 'answered 500' }).first().waitFor();
      await tries.getByRole('button', { name: 'Send a test event' }).click();
      await tries.getByText('The endpoint did not accept the test event').waitFor();
      expect(received.at(-1)).toMatch(/^test-/);
      await expectAccessible(screen, 'webhook-tries');
      status = 200;
      await tries.getByRole('button', { name: 'Send a test event' }).click();
      await tries.getByText('The endpoint accepted the test event').waitFor();
      await tries.getByRole('button', { name: 'Try waiting events now' }).click();
      await tries.getByRole('cell', { name: /^accepted in/ }).waitFor();
      expect((await program.api.app('GET', '/webhooks/till')).body).toMatchObject({ pending: 0 });
      const event = received.at(-1);
      received.length = 0;
      await tries.getByLabel('Events since').fill('2026-01-01T00:00');
      await tries.getByRole('button', { name: 'Send again' }).click();
      await tries.getByText('Sent again: 1 event.').waitFor();
      await expect.poll(() => received, { timeout: 20_000 }).toEqual([event]);
    });

    it('is changed without a secret, and the second of two editors is told', async () => {
      const screen = await browser.open();
      const { page } = screen;
      await signIn(page, url(), 'apps/com.example.app/webhooks');
      const sent: unknown[] = [];
      page.on('request', (request) => request.method() === 'PUT' && sent.push(request.postDataJSON()));
      await page.getByRole('button', { name: 'Change: till' }).click();
      const form = page.getByRole('dialog', { name: 'Change: till' });
      await form.getByLabel('URL').waitFor();
      expect(await form.locator('input[type=password]').count()).toBe(0);
      const theirs = { url: 'https://theirs.example.com/', eventTypes: 'onSubscribe' };
      await program.api.app('PUT', '/webhooks/till', theirs);
      await form.getByLabel('URL').fill('https://mine.example.com/');
      await form.getByRole('button', { name: 'Save' }).click();
      await form.getByText('Another person saved a change meanwhile').waitFor();
      await form.getByRole('button', { name: 'Save my changes over them' }).click();
      await page.getByRole('cell', { name: 'https://mine.example.com/' }).waitFor();
      expect(sent.at(-1)).toEqual({ url: 'https://mine.example.com/', eventTypes: 'onSubscribe' });
    });

    it('the words of an endpoint are text', async () => {
      const words = '<img src=x onerror="window.hurt=1">';
      const { page, faults } = await browser.open();
      const attempt = { time: new Date().toISOString(), eventId: '1', eventType: words, tries: 1, durationMs: 5 };
      await page.route('**/attempts', (route) => route.fulfill({ json: { attempts: [{ ...attempt, error: words }] } }));
      await signIn(page, url(), 'apps/com.example.app/webhooks');
      await page.getByRole('button', { name: 'Tries: till' }).click();
      await expect.poll(() => page.getByText(words).count()).toBe(2);
      expect(await page.evaluate('window.hurt')).toBeUndefined();
      expect(faults).toEqual([]);
    });
  });
});
