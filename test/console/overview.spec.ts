import { describe, expect, it } from 'vitest';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from '../e2e/stages.js';
import { expectAccessible, HAS_BROWSER, signIn, signInAs, useBrowser } from './browser.js';

/** The overview in a browser, against the built program. */

const APP = 'apps/com.example.app';

describe.runIf(HAS_BROWSER).each(STAGES)('the overview, on $name', (stage) => {
  const browser = useBrowser();
  const program = runProgram(stage);

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
    const firings = screen.page.getByRole('region', { name: 'Next firings' });
    await firings.getByRole('link', { name: 'Morning news' }).nth(9).waitFor();
    expect(await firings.getByRole('link').count()).toBe(10);
    await expectAccessible(screen, 'overview');
    await screen.page.goto(`${program.carillon.url}/console/`);
    const all = screen.page.getByRole('region', { name: 'Under way' });
    await all.getByRole('link', { name: 'To the busy one' }).waitFor();
    await all.getByText('com.example.app · 0 of 1').waitFor();
    await expectAccessible(screen, 'overview-all');
  });

  it('says of a firing that a clock change skips its time', async () => {
    await program.api.call('POST', '/apps', { applicationId: 'com.example.gap' });
    const gap = await program.api.call<{ campaignId: string }>('POST', '/apps/com.example.gap/campaigns', {
      name: 'Once in the gap',
      content: { message: { alert: 'Gap' } },
      schedule: { at: ['2027-03-28T02:30'], timeZone: 'Europe/Berlin' },
    });
    await program.api.call('POST', `/apps/com.example.gap/campaigns/${gap.body.campaignId}/activate`);
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, 'apps/com.example.gap');
    const firings = page.getByRole('region', { name: 'Next firings' });
    await firings.getByRole('link', { name: 'Once in the gap' }).waitFor();
    await firings.getByText('28 Mar 2027, 03:00:00 CEST').waitFor();
    expect(await firings.getByRole('link').count()).toBe(1);
    await firings.getByText('2027-03-28 02:30:00 does not exist in Europe/Berlin').waitFor();
  });

  it('tells in German what is wrong, and what a clock change does', async () => {
    await program.api.call('POST', '/apps/com.example.gap/stop');
    const screen = await browser.open({ locale: 'de-DE' });
    await screen.page.goto(`${program.carillon.url}/console/apps/com.example.gap`);
    await screen.page.getByRole('button', { name: 'Als test anmelden (Entwicklung)' }).click();
    const problems = screen.page.getByRole('region', { name: 'Jetzt gestört' });
    await problems.getByText('Die Anwendung wurde von test angehalten: nichts von ihr wird gesendet.').waitFor();
    await problems.getByText('Heben Sie die Sperre auf, wenn ihr Grund vorbei ist').waitFor();
    const firings = screen.page.getByRole('region', { name: 'Nächste Starts' });
    const note = '2027-03-28 02:30:00 gibt es in Europe/Berlin nicht: die Kampagne sendet um 2027-03-28 03:00:00.';
    await firings.getByText(note).waitFor();
    await expectAccessible(screen, 'overview-german');
    await program.api.call('DELETE', '/apps/com.example.gap/stop');
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
