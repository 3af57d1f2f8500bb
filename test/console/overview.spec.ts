import { describe, expect, it } from 'vitest';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { EMBEDDED } from '../e2e/stages.js';
import { expectAccessible, HAS_BROWSER, signIn, signInAs, useBrowser } from './browser.js';

/** The overview in a browser, against the built program. */

const APP = 'apps/com.example.app';

describe.runIf(HAS_BROWSER)('the overview', () => {
  const browser = useBrowser();
  const program = runProgram(EMBEDDED);

  it('offers the first steps while no message was sent, to a reader as well', async () => {
    const secret = await new Admin(program.carillon.url).addClient(
      'reader',
      'messages.read devices.read push.application.com.example.app',
    );
    const { page } = await browser.open();
    await signInAs(page, program.carillon.url, { id: 'reader', secret }, APP);
    await page.getByRole('button', { name: 'Send it to 5 devices' }).focus();
    await page.getByText('Needs the scope messages.write, which you do not have').waitFor();
    await page.keyboard.press('Enter');
    const { body } = await program.api.app<{ messages: unknown[] }>('GET', '/messages');
    expect(body.messages).toEqual([]);
  });

  it('shows a message under way with the cause that holds it up, and the next firing', async () => {
    const screen = await browser.open();
    await program.api.app('POST', '/devices', {
      deviceId: 'busy',
      platform: 'G',
      token: 'sandbox:throttled-forever:b',
    });
    const id = await program.api.send({ message: { alert: 'To the busy one' }, target: { deviceIds: ['busy'] } });
    await program.api.waitFor(id, ({ state }) => state === 'sending');
    const campaign = await program.api.app<{ campaignId: string }>('POST', '/campaigns', {
      name: 'Morning news',
      content: { message: { alert: 'News' } },
      schedule: { cron: '0 9 * * *', timeZone: 'Europe/Berlin' },
    });
    expect(campaign.status).toBe(201);
    await program.api.app('POST', `/campaigns/${campaign.body.campaignId}/activate`);
    await signIn(screen.page, program.carillon.url, APP);
    const underWay = screen.page.getByRole('region', { name: 'Under way' });
    await underWay.getByRole('link', { name: 'To the busy one' }).waitFor();
    await underWay.getByText('Open deliveries are tried again at').waitFor();
    await screen.page.getByRole('region', { name: 'Next firings' }).getByText('Morning news').waitFor();
    await expectAccessible(screen, 'overview');
  });

  it('finds a message by its id, by keyboard alone', async () => {
    const id = await program.api.send({ message: { alert: 'Find me' } });
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, APP);
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog', { name: 'Search by id' }).waitFor();
    await page.getByLabel('Id of a message, device, user, campaign or client').fill(id);
    await page.getByRole('link', { name: id }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Find me' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/console/${APP}/messages/${id}`);
  });
});
