import { describe, expect, it } from 'vitest';
import { requestToken } from '../harness/api.js';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { EMBEDDED } from '../e2e/stages.js';
import { expectAccessible, HAS_BROWSER, signIn, useBrowser } from './browser.js';

/** Clients, webhooks, audit and system, in a browser, against the built program. */

describe.runIf(HAS_BROWSER)('administration', () => {
  const browser = useBrowser();
  const program = runProgram(EMBEDDED);
  const url = () => program.carillon.url;

  it('a client is registered, its secret is shown once, and a backend gets a token with it', async () => {
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
    const scope = 'messages.write push.application.com.example.app';
    expect((await requestToken(url(), { id: 'shop', secret, scope })).status).toBe(200);
    await expectAccessible(screen, 'clients');
  });

  it('a change of one field sends this field alone, and the old secret stays right', async () => {
    await new Admin(url()).addClient('crm', 'messages.*');
    const { page } = await browser.open();
    await signIn(page, url(), 'administration/clients');
    const sent: unknown[] = [];
    page.on('request', (request) => request.method() === 'PATCH' && sent.push(request.postDataJSON()));
    await page.getByRole('button', { name: 'Change crm' }).click();
    const form = page.getByRole('dialog', { name: 'Change crm' });
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
    await page.getByRole('button', { name: 'New secret for till' }).click();
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
    await page.getByRole('cell', { name: 'client.create' }).first().waitFor();
    expect(await page.getByLabel('Action').inputValue()).toBe('client.create');
    expect(await page.getByRole('cell', { name: 'session.create' }).count()).toBe(0);
    await expectAccessible(screen, 'audit');
    await page.getByLabel('Subject').fill('nothing of this name');
    await page.getByRole('heading', { name: 'No events' }).waitFor();
    expect(new URL(page.url()).searchParams.get('subject')).toBe('nothing of this name');
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
    await page.getByRole('button', { name: 'Delete the webhook crm' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'No webhooks' }).waitFor();
  });
});
