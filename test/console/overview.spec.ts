import type { Page } from 'playwright-core';
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
    const next = screen.page.getByRole('region', { name: 'Next firings' });
    await next.getByRole('link', { name: 'Morning news' }).nth(9).waitFor();
    await next.getByText('com.example.app · ').first().waitFor();
    await expectAccessible(screen, 'overview-all');
  });

  it('names a campaign whose schedule the server cannot read, here and in the calendar', async () => {
    const { body } = await program.api.app<{ campaignId: string }>('POST', '/campaigns', {
      name: 'News from Mars',
      content: { message: { alert: 'News' } },
      schedule: { cron: '0 9 * * *' },
    });
    const screen = await browser.open();
    const { page } = screen;
    await page.route('**/campaigns:firings*', async (route) => {
      const response = await route.fetch();
      const unreadable = [
        {
          applicationId: 'com.example.app',
          campaignId: body.campaignId,
          name: 'News from Mars',
          field: '',
          reason: '',
        },
      ];
      await route.fulfill({ response, json: { ...((await response.json()) as object), unreadable } });
    });
    await signIn(page, program.carillon.url, APP);
    const firings = page.getByRole('region', { name: 'Next firings' });
    await firings.getByText('these schedules cannot be read').waitFor();
    await firings.getByRole('link', { name: 'News from Mars' }).click();
    await page.getByRole('heading', { name: 'News from Mars', level: 1 }).waitFor();
    for (const [address, name] of [
      ['', 'overview-unreadable'],
      [`${APP}/campaigns/calendar`, 'calendar-unreadable'],
    ] as const) {
      await page.goto(`${program.carillon.url}/console/${address}`);
      await page.getByText('these schedules cannot be read').waitFor();
      await expectAccessible(screen, name);
    }
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

  it('stops an application and lifts the stop, by keyboard, and says which scope that needs', async () => {
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, APP);
    const problem = page.getByText('The application was stopped by test: nothing of it is sent.');
    const accepted = async () => (await program.api.app('POST', '/messages', { message: { alert: 'Now' } })).status;
    const act = async (name: string, next: string): Promise<void> => {
      await page.getByRole('button', { name: `${name} …` }).press('Enter');
      const dialog = page.getByRole('dialog', { name: `${name}: com.example.app` });
      await dialog.waitFor();
      await expectAccessible(screen, 'stop');
      await dialog.getByRole('button', { name }).press('Enter');
      await dialog.waitFor({ state: 'detached' });
      await page.getByRole('button', { name: `${next} …` }).waitFor();
    };
    await act('Stop the application', 'Lift the stop');
    await problem.waitFor();
    expect(await accepted()).toBe(409);
    // The focus is where it was before the dialog.
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Lift the stop: com.example.app' }).waitFor();
    await page.keyboard.press('Escape');
    await act('Lift the stop', 'Stop the application');
    await problem.waitFor({ state: 'detached' });
    expect(await accepted()).toBe(202);

    const secret = await new Admin(program.carillon.url).addClient('onlooker', `*.read push.application.*`);
    const viewer = await browser.open();
    await signInAs(viewer.page, program.carillon.url, { id: 'onlooker', secret }, APP);
    await viewer.page.getByRole('button', { name: 'Stop the application …' }).focus();
    await viewer.page.getByText('Needs the scope apps.write, which you do not have').waitFor();
  });

  it('draws the chart in the colours of the page, also after a change of these', async () => {
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, APP);
    await page.locator('canvas').waitFor();
    /** The red of the most frequent colour: that of the grid. */
    const grid = () =>
      page.evaluate<number>(`(() => {
        const canvas = document.querySelector('canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const pixels = new Map();
        for (let at = 0; at < data.length; at += 4)
          if (data[at + 3] === 255) pixels.set(data[at], (pixels.get(data[at]) ?? 0) + 1);
        return [...pixels].sort(([, one], [, other]) => other - one)[0]?.[0] ?? 0;
      })()`);
    await expect.poll(grid).toBe(0xde);
    await page.getByRole('button', { name: 'Dark colours' }).click();
    await expect.poll(grid).toBe(0x42);
    await page.getByRole('button', { name: 'Light colours' }).click();
    await expect.poll(grid).toBe(0xde);
  });

  it('finds a client by its id, for an administrator alone', async () => {
    const secret = await new Admin(program.carillon.url).addClient('night-shift', 'messages.read push.*');
    const find = async (page: Page): Promise<void> => {
      await page.keyboard.press('Control+k');
      await page.getByLabel('Id of a message, device, user, campaign or client').fill('night-shift');
    };
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, APP);
    await find(page);
    await page.getByRole('dialog').getByRole('link', { name: 'night-shift' }).click();
    await page.getByRole('cell', { name: 'night-shift' }).first().waitFor();
    expect(new URL(page.url()).search).toBe('?find=night-shift');
    expect(await page.getByRole('row').count()).toBe(2);
    await page.getByLabel('Find by name or id').fill('nothing of this name');
    await page.getByRole('heading', { name: 'No client has this name or id' }).waitFor();
    const other = await browser.open();
    await signInAs(other.page, program.carillon.url, { id: 'night-shift', secret }, APP);
    await find(other.page);
    await other.page.getByText('Nothing that you may read has the id night-shift').waitFor();
  });

  it('finds a message of any application from the overview of all', async () => {
    // Five applications are asked at once.
    const last = 'com.example.zz6';
    for (let index = 1; index <= 6; index++)
      await program.api.call('POST', '/apps', { applicationId: `com.example.zz${index}` });
    const sent = await program.api.call<{ messageId: string }>('POST', `/apps/${last}/messages`, {
      message: { alert: 'Far away' },
    });
    const { page } = await browser.open();
    // The viewer is faster than the list of applications.
    let list = (): void => undefined;
    const listed = new Promise<void>((resolve) => (list = resolve));
    await page.route('**/imfpush/v1/apps?*', async (route) => {
      await listed;
      await route.continue();
    });
    const ofMessage = `**/apps/${last}/messages/${sent.body.messageId}`;
    await page.route(ofMessage, (route) => route.abort());
    await signIn(page, program.carillon.url);
    await page.keyboard.press('Control+k');
    const dialog = page.getByRole('dialog', { name: 'Search by id' });
    await dialog.getByLabel('Id of a message, device, user, campaign or client').fill(sent.body.messageId);
    await dialog.getByRole('status', { name: 'Loading' }).waitFor();
    list();
    await dialog.getByRole('alert').waitFor();
    await page.unroute(ofMessage);
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await dialog.getByRole('link', { name: `${sent.body.messageId} · ${last}` }).click();
    await page.getByRole('heading', { level: 1, name: 'Far away' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/console/apps/${last}/messages/${sent.body.messageId}`);
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
