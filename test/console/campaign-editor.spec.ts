import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { STAGES } from '../e2e/stages.js';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { expectAccessible, HAS_BROWSER, signIn, signInAs, useBrowser } from './browser.js';

/** The campaign editor, in a browser, against the built program. */

const APP = 'com.example.app';
const CAMPAIGNS = `apps/${APP}/campaigns`;
const NEW = `${CAMPAIGNS}/new`;
const ONE = '**/imfpush/**/campaigns/*';
const ALL = '**/imfpush/**/campaigns';
const BODY = {
  name: 'Weekly',
  content: { message: { alert: 'Hello' } },
  schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Berlin' },
};

interface Campaign {
  campaignId: string;
  name: string;
  state: string;
  lastUpdatedTime: string;
  content: { message: { alert: string } };
  schedule: Record<string, unknown>;
  policies?: Record<string, unknown>;
}

describe.runIf(HAS_BROWSER).each(STAGES)('the campaign editor, on $name', (stage) => {
  const program = runProgram(stage);
  const browser = useBrowser();

  afterEach(async () => {
    for (const { campaignId } of await list()) await program.api.app('DELETE', `/campaigns/${campaignId}?cancel=true`);
  });

  async function list(): Promise<Campaign[]> {
    return (await program.api.app<{ campaigns: Campaign[] }>('GET', '/campaigns')).body.campaigns;
  }
  async function make(change: object = {}): Promise<string> {
    const { status, body } = await program.api.app<Campaign>('POST', '/campaigns', { ...BODY, ...change });
    expect(status, JSON.stringify(body)).toBe(201);
    return body.campaignId;
  }
  async function read(id: string): Promise<Campaign> {
    return (await program.api.app<Campaign>('GET', `/campaigns/${id}`)).body;
  }
  const open = async (path = NEW, options?: Parameters<typeof browser.open>[0]) => {
    const screen = await browser.open(options);
    await signIn(screen.page, program.carillon.url, path);
    await nameOf(screen.page).waitFor();
    return screen;
  };
  const edit = (id: string) => open(`${CAMPAIGNS}/${id}/edit`);

  it('takes a campaign from a draft through a test and an approval to a firing; a change waits again', async () => {
    const admin = new Admin(program.carillon.url);
    const scope = `campaigns.read campaigns.approve push.application.${APP}`;
    const secret = await admin.addClient('approver', scope);
    await program.api.app('PUT', '/status', { enabled: true, approval: { above: 2 } });
    const screen = await open();
    const { page } = screen;
    await expectAccessible(screen, 'campaign-editor-empty');
    await nameOf(page).fill('Spring sale');
    await textOf(page).fill('Hello');
    await page.getByRole('textbox', { name: 'Title', exact: true }).fill('Sale');
    await page.getByRole('textbox', { name: 'Language tag' }).fill('de');
    await page.keyboard.press('Enter');
    await page.getByText('The text of all other devices').waitFor();
    await textOf(page).fill('Hallo');
    await page.getByRole('region', { name: 'Preview: Android · de' }).getByText('Hallo', { exact: true }).waitFor();
    await choose(page, 'Fires', 'by a cron expression');
    await page.getByRole('textbox', { name: 'Cron expression' }).fill('*/5 * * * * *');
    await page.getByText('Every 5 seconds').waitFor();
    await page.locator('[data-settled]').getByText('Reaches 5 devices as of now.').waitFor();
    await page.getByText('Above 2 devices a campaign waits').waitFor();
    await expectAccessible(screen, 'campaign-editor');
    await page.getByRole('button', { name: 'Save as a draft' }).dblclick();
    await page.locator('[data-state="draft"]').waitFor();
    const [{ campaignId: id } = { campaignId: '' }, ...more] = await list();
    expect(more).toEqual([]);

    await page.getByRole('button', { name: 'Test …' }).click();
    const dialog = page.getByRole('dialog');
    const device = (await program.api.app<{ devices: { deviceId: string }[] }>('GET', '/devices')).body.devices[0];
    await dialog.getByRole('combobox', { name: 'Devices' }).fill(device?.deviceId ?? '');
    await page.keyboard.press('Enter');
    await expectAccessible(screen, 'campaign-test');
    await dialog.getByRole('button', { name: 'Send the test' }).click();
    await dialog.getByText('Sent to 1 device:').waitFor();
    const href = await dialog.getByRole('link').getAttribute('href');
    const test = await program.api.app('GET', `/messages/${href?.split('/').at(-1)}`);
    expect(test.body).toMatchObject({ audience: 1, testOf: id });
    await dialog.getByRole('button', { name: 'Close' }).last().click();

    await page.getByRole('button', { name: 'Activate' }).click();
    await page.getByText('It waits for approval').waitFor();
    expect(await read(id)).toMatchObject({ state: 'awaitingApproval' });
    // Its author is refused.
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByText('another one has to approve it').waitFor();

    const second = await browser.open();
    const client = { id: 'approver', secret };
    await signInAs(second.page, program.carillon.url, client, `${CAMPAIGNS}/${id}`);
    await expectAccessible(second, 'campaign-approval');
    await second.page.getByRole('button', { name: 'Approve', exact: true }).click();
    await second.page.locator('[data-state="active"]').waitFor();
    expect(await read(id)).toMatchObject({ state: 'active', approvedBy: 'approver' });

    // The schedule fires, and the author's page shows the run by itself.
    await page.locator('tr[data-run]').last().getByRole('link').click({ timeout: 60_000 });
    await page.locator('[data-variant] [data-count="accepted"]').getByText('5', { exact: true }).waitFor();
    const { runs } = (
      await program.api.app<{ runs: { manual: boolean; audience: number }[] }>('GET', `/campaigns/${id}/runs`)
    ).body;
    expect(runs.at(-1)).toMatchObject({ manual: false, audience: 5 });

    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByText('Nothing is changed.').waitFor();
    await textOf(page).fill('Hello again');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('It waits for approval').waitFor();
    expect(await read(id)).toMatchObject({
      state: 'awaitingApproval',
      content: { message: { alert: 'Hello again' }, settings: { gcm: { androidTitle: 'Sale' } } },
      languages: { de: { message: { alert: 'Hallo' } } },
    });
    await program.api.app('PUT', '/status', { enabled: true, approval: null });
  });

  it('keeps what is typed over a reload and the end of the session, for the same client only', async () => {
    const { page } = await open();
    await nameOf(page).fill('Kept');
    await textOf(page).fill('Typed before the end');
    await page.getByRole('radio', { name: 'Users' }).check();
    await page.getByRole('combobox', { name: 'Users' }).fill('anna');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^Rules/ }).click();
    await page.getByRole('textbox', { name: 'Deliveries a second' }).fill('1,0,');
    await page.reload();
    await page.getByText('A number or the JSON is not complete.').waitFor();
    await page.getByRole('button', { name: /^Rules/ }).click();
    expect(await page.getByRole('textbox', { name: 'Deliveries a second' }).inputValue()).toBe('1,0,');
    await page.getByRole('textbox', { name: 'Deliveries a second' }).fill('1,000');
    await page.context().clearCookies();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    // The plan of what was typed may be read first, and then the dialog is over the button.
    await page
      .getByRole('button', { name: 'Save as a draft' })
      .click({ timeout: 5_000 })
      .catch(() => dialog.waitFor());
    await dialog.getByRole('button', { name: 'Sign in as test' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(await textOf(page).inputValue()).toBe('Typed before the end');
    await page.getByRole('button', { name: 'Save as a draft' }).click();
    await page.locator('[data-state="draft"]').waitFor();
    expect(await list()).toMatchObject([
      {
        name: 'Kept',
        content: { message: { alert: 'Typed before the end' } },
        target: { userIds: ['anna'] },
        policies: { ratePerSecond: 1_000 },
      },
    ]);

    await page.goto(`${program.carillon.url}/console/${NEW}`);
    await nameOf(page).fill('Secret of test');
    const secret = await new Admin(program.carillon.url).addClient('other-author', '*');
    await page.context().clearCookies();
    await page.reload();
    await page.getByLabel('Client id').fill('other-author');
    await page.locator('input[name=password]').fill(secret);
    await page.keyboard.press('Enter');
    await nameOf(page).waitFor();
    expect(await nameOf(page).inputValue()).toBe('');
    expect(await page.content()).not.toContain('Secret of test');
  });

  it('tells the second of two editors, who sees both versions and chooses', async () => {
    const id = await make({ policies: { dailyCap: 3 }, target: { timeZones: ['Europe/Berlin'] } });
    const one = await edit(id);
    const two = await edit(id);
    await textOf(one.page).fill('Of the first');
    await nameOf(one.page).fill('Renamed by the first');
    await textOf(two.page).fill('Of the second');
    await two.page.getByRole('button', { name: /^Rules/ }).click();
    await two.page.getByRole('textbox', { name: 'Messages a user in 24 hours' }).fill('5');
    // The second page does not see the first one's change before its own press.
    await two.page.route(ONE, (route) => (route.request().method() === 'GET' ? route.abort() : route.continue()));
    await one.page.getByRole('button', { name: 'Save', exact: true }).click();
    await one.page.locator('[data-state="draft"]').waitFor();
    await two.page.unroute(ONE);
    await two.page.getByRole('button', { name: 'Save', exact: true }).click();
    await two.page.getByText('Another one changed this campaign meanwhile').waitFor();
    expect(await read(id)).toMatchObject({
      content: { message: { alert: 'Of the first' } },
      policies: { dailyCap: 3 },
    });
    const row = two.page.locator('tr[data-change="content.message.alert"]');
    expect(await row.textContent()).toMatch(/Hello.*Of the second.*Of the first/);
    expect(await two.page.locator('tr[data-change="name"]').textContent()).toContain('Renamed by the first');
    expect(await two.page.getByRole('button', { name: 'Go on with these' }).isDisabled()).toBe(true);
    expect(await textOf(two.page).inputValue()).toBe('Of the second');
    await expectAccessible(two, 'campaign-conflict');
    await row.getByRole('radio', { name: 'Yours: Of the second' }).check();
    await two.page.getByRole('button', { name: 'Go on with these' }).click();
    expect(await nameOf(two.page).inputValue()).toBe('Renamed by the first');
    await two.page.getByRole('button', { name: 'Save', exact: true }).click();
    await two.page.locator('[data-state="draft"]').waitFor();
    expect(await read(id)).toMatchObject({
      name: 'Renamed by the first',
      content: { message: { alert: 'Of the second' } },
      policies: { dailyCap: 5 },
      target: { timeZones: ['Europe/Berlin'] },
    });
  });

  it('takes a press as done if the answer to the first one was lost', async () => {
    const id = await make();
    const { page } = await edit(id);
    await textOf(page).fill('Once');
    await page.route(ONE, async (route) => {
      if (route.request().method() !== 'PUT') return route.abort();
      await route.fetch();
      return route.abort('connectionreset');
    });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Carillon does not answer').first().waitFor();
    await page.unroute(ONE);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('[data-state="draft"]').waitFor();
    expect((await read(id)).content.message.alert).toBe('Once');
  });

  it('makes one campaign although the first answer was lost, with the text that was changed meanwhile', async () => {
    const { page } = await open();
    await nameOf(page).fill('Made once');
    await textOf(page).fill('First text');
    await choose(page, 'Fires', 'by a cron expression');
    await page.getByRole('textbox', { name: 'Cron expression' }).fill('0 9 * * *');
    const loseAnswers = async (url: string): Promise<void> => {
      await page.route(url, async (route) => {
        if (route.request().method() !== 'POST') return route.continue();
        await route.fetch();
        return route.abort('connectionreset');
      });
    };
    await loseAnswers(ALL);
    await page.getByRole('button', { name: 'Save as a draft' }).click();
    await page.getByText('Carillon does not answer').first().waitFor();
    expect(await list()).toMatchObject([{ content: { message: { alert: 'First text' } } }]);
    await page.reload();
    await textOf(page).fill('Second text');
    await page.unroute(ALL);
    await page.getByRole('button', { name: 'Save as a draft' }).click();
    await page.locator('[data-state="draft"]').waitFor();
    expect(await list()).toMatchObject([{ content: { message: { alert: 'Second text' } } }]);

    // A copy and a test, pressed again after a lost answer.
    await loseAnswers(`${ONE}/duplicate`);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Carillon does not answer').first().waitFor();
    await page.unroute(`${ONE}/duplicate`);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('heading', { level: 1, name: 'Made once (copy)' }).waitFor();
    expect((await list()).map(({ name }) => name)).toEqual(['Made once', 'Made once (copy)']);
    await page.getByRole('button', { name: 'Test …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Devices' }).fill('anna-phone');
    // By the field: a dialog that has just opened moves the focus.
    await dialog.getByRole('combobox', { name: 'Devices' }).press('Enter');
    const sentTo = async () =>
      (await program.api.app<{ messages: unknown[] }>('GET', '/devices/anna-phone/messages')).body.messages.length;
    const before = await sentTo();
    await loseAnswers(`${ONE}/test`);
    await dialog.getByRole('button', { name: 'Send the test' }).click();
    await dialog.getByText('Carillon does not answer').waitFor();
    await page.unroute(`${ONE}/test`);
    await dialog.getByRole('button', { name: 'Send the test' }).click();
    await dialog.getByText('Sent to 1 device:').waitFor();
    expect(await sentTo()).toBe(before + 1);
  });

  it('removes a campaign that another person has changed only at a second press', async () => {
    const id = await make();
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, `${CAMPAIGNS}/${id}`);
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete “Weekly”?' });
    await dialog.getByRole('button', { name: 'Delete', exact: true }).waitFor();
    await program.api.app('PUT', `/campaigns/${id}`, { ...BODY, name: 'Kept by another' });
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('Another person has changed it').waitFor();
    expect((await read(id)).name).toBe('Kept by another');
    await expectAccessible(screen, 'campaign-remove-conflict');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('There are no campaigns yet').waitFor();
    expect(await list()).toEqual([]);
  });

  it.each(['America/New_York', 'Asia/Kolkata', 'Asia/Kathmandu', 'Pacific/Auckland'])(
    'to a viewer in %s the times of Berlin stay those of Berlin, with gap and fold said before saving',
    async (timezoneId) => {
      const { page } = await open(NEW, { timezoneId });
      await nameOf(page).fill('Clocks');
      await textOf(page).fill('Hello');
      await choose(page, 'Fires', 'at chosen times');
      await page.getByRole('combobox', { name: 'Time zone' }).fill('Berlin');
      await page.getByRole('option', { name: 'Europe/Berlin' }).click();
      const times = ['2027-03-28T02:30', '2027-04-30T23:45', '2027-05-01T00:00', '2027-10-31T02:30'];
      for (const [index, time] of times.entries()) {
        if (index > 0) await page.getByRole('button', { name: 'Add a time' }).click();
        await page.getByLabel(`Time ${index + 1}`, { exact: true }).fill(time);
      }
      const plan = page.locator('[data-settled]');
      await plan.getByText('2027-03-28 02:30:00 does not exist in Europe/Berlin').waitFor();
      await plan.getByText('2027-10-31 02:30:00 comes twice in Europe/Berlin').waitFor();
      await page.getByRole('button', { name: 'Save as a draft' }).click();
      await page.locator('[data-state="draft"]').waitFor();
      const [saved] = await list();
      expect(saved?.schedule).toEqual({ at: times, timeZone: 'Europe/Berlin' });
      const id = saved?.campaignId ?? '';
      const { firings } = (
        await program.api.app<{ firings: { time: string }[] }>('GET', `/campaigns/${id}/preview?count=5`)
      ).body;
      const own = ['28 Mar 2027, 03:00:00', '30 Apr 2027, 23:45:00', '1 May 2027, 00:00:00', '31 Oct 2027, 02:30:00'];
      for (const [index, { time }] of firings.entries()) {
        const shown = await page.locator(`[data-firing="${time}"]`).textContent();
        expect(shown).toContain(`${own[index]} CE`);
        expect(shown).toContain(viewersTime(time, timezoneId));
      }
      expect(firings.map(({ time }) => time)).toEqual([
        '2027-03-28T01:00:00.000Z',
        '2027-04-30T21:45:00.000Z',
        '2027-04-30T22:00:00.000Z',
        '2027-10-31T00:30:00.000Z',
      ]);
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByText('Nothing is changed.').waitFor();
      for (const [index, time] of times.entries())
        expect(await page.getByLabel(`Time ${index + 1}`, { exact: true }).inputValue()).toBe(time);
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.locator('[data-state="draft"]').waitFor();
      expect(await read(id)).toMatchObject({ schedule: saved?.schedule, lastUpdatedTime: saved?.lastUpdatedTime });
    },
  );

  it('keeps every field that the form does not show', async () => {
    const unusual = {
      content: {
        message: { alert: 'Hello', url: 'https://example.com/' },
        settings: { gcm: { visibility: 'public', priority: 'high' } },
        ttl: 5_400,
      },
      target: {
        userIds: ['anna'],
        timeZones: ['Asia/Kathmandu'],
        appVersion: { min: '2.0' },
        attributes: { tier: ['a', 'b'], age: [30] },
      },
      schedule: {
        at: ['2027-12-24T18:00:00+01:00', '2027-12-25T09:00:30'],
        timeZone: 'Asia/Kathmandu',
        end: '2028-01-01',
      },
      policies: {
        catchUp: 'all',
        catchUpSeconds: 7_200,
        overlap: 'skip',
        pauseAtFailureShare: 0.07,
        spreadSeconds: 90,
      },
    };
    const id = await make(unusual);
    const { page } = await edit(id);
    await page.getByRole('button', { name: /^Rules/ }).click();
    const shown = (name: string) => page.getByRole('textbox', { name }).inputValue();
    expect(await shown('Expires after hours')).toBe('1.5');
    expect(await shown('Pause at failures in %')).toBe('7');
    expect(await shown('Spread over minutes')).toBe('1.5');
    expect(await page.getByLabel('Time 1', { exact: true }).inputValue()).toBe('2027-12-24T18:00:00+01:00');
    await nameOf(page).fill('Another name');
    await textOf(page).fill('Another text');
    await page.getByRole('checkbox', { name: 'Android' }).check();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('[data-state="draft"]').waitFor();
    expect(await read(id)).toMatchObject({
      ...unusual,
      name: 'Another name',
      content: { ...unusual.content, message: { alert: 'Another text', url: 'https://example.com/' } },
      target: { ...unusual.target, platforms: ['G'], attributes: { tier: ['a', 'b'], age: 30 } },
    });

    // As JSON every field can be changed; the form follows.
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'All fields, as JSON' }).click();
    const json = page.getByRole('textbox', { name: 'The campaign as the API has it' });
    const typed = (await json.inputValue()).replace('"public"', '"secret"').replace('Another name', 'By JSON');
    await json.fill(`${typed} and`);
    await page.getByText('This is no JSON of a campaign yet.').waitFor();
    await json.fill(typed);
    await page.getByText('A number or the JSON').waitFor({ state: 'hidden' });
    expect(await nameOf(page).inputValue()).toBe('By JSON');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('[data-state="draft"]').waitFor();
    const changed = await read(id);
    expect(changed).toMatchObject({ name: 'By JSON', content: { settings: { gcm: { visibility: 'secret' } } } });
  });

  it('shows the waves of the recipients’ time, and a chosen device with its values', async () => {
    const { page } = await open();
    await nameOf(page).fill('Everywhere');
    await textOf(page).fill('Hello {{name|friend}}');
    await page.getByRole('combobox', { name: 'Time zone' }).fill('recipient');
    await page.getByRole('option', { name: 'each recipient’s own clock' }).click();
    await page
      .getByText(/\d+ waves round the world, from /)
      .first()
      .waitFor();
    const [device] = (await program.api.app<{ devices: { deviceId: string; platform: string }[] }>('GET', '/devices'))
      .body.devices;
    await page.getByRole('combobox', { name: 'Device of the preview' }).fill(device?.deviceId ?? '');
    await page.getByRole('option', { name: device?.deviceId, exact: true }).click();
    await vi.waitFor(async () => expect(await page.locator('[data-platform]').count()).toBe(1), { timeout: 20_000 });
    expect(await page.locator('[data-platform]').getAttribute('data-platform')).toBe(device?.platform);
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('There are no campaigns yet').waitFor();
    expect(await list()).toEqual([]);
  });

  it('shows text as text, wherever it is typed', async () => {
    const evil = '<img src=x onerror="alert(1)">';
    const id = await make({
      name: evil,
      content: { message: { alert: evil, url: 'javascript:alert(1)' } },
      split: [{ name: evil.slice(0, 40), share: 50 }],
      target: { attributes: { [evil]: evil } },
    });
    const screen = await edit(id);
    const { page } = screen;
    page.on('dialog', () => screen.faults.push('a dialog of a script'));
    await page.getByRole('heading', { name: `Edit “${evil}”` }).waitFor();
    await page
      .getByRole('region', { name: /^Preview: Android/ })
      .getByText(evil, { exact: true })
      .waitFor();
    await textOf(page).fill(`${evil}!`);
    await program.api.app('PUT', `/campaigns/${id}`, { ...BODY, name: `${evil}?` });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('tr[data-change="name"]').getByText(`${evil}?`).waitFor();
    expect(await page.locator('img, a[href^="javascript"]').count()).toBe(0);
    await expectAccessible(screen, 'campaign-markup');
  });

  it('reads numbers as a German viewer writes them', async () => {
    const screen = await browser.open({ locale: 'de-DE' });
    const { page } = screen;
    await page.goto(`${program.carillon.url}/console/${NEW}`);
    await page.getByRole('button', { name: 'Als test anmelden' }).click();
    await nameOf(page).fill('Schnell');
    await textOf(page).fill('Hallo');
    await page.getByRole('button', { name: /^Regeln/ }).click();
    const cap = page.getByRole('textbox', { name: 'Nachrichten je Nutzer in 24 Stunden' });
    await cap.fill('10,0');
    await page.getByText('Eine Zahl oder das JSON ist nicht vollständig.').waitFor();
    expect(await page.getByRole('button', { name: 'Als Entwurf speichern' }).isDisabled()).toBe(true);
    await cap.fill('10');
    await page.getByRole('textbox', { name: 'Zustellungen in der Sekunde' }).fill('1.000');
    await page.getByRole('textbox', { name: 'Anhalten bei Fehlern in %' }).fill('2,5');
    await expectAccessible(screen, 'campaign-editor-de');
    await page.getByRole('button', { name: 'Als Entwurf speichern' }).click();
    await page.locator('[data-state="draft"]').waitFor();
    const policies = { dailyCap: 10, ratePerSecond: 1_000, pauseAtFailureShare: 0.025 };
    expect((await list())[0]?.policies).toEqual(policies);
  });

  it('says what fails while a campaign is opened, shown and saved, and keeps what is typed', async () => {
    const id = await make();
    const screen = await browser.open();
    const { page } = screen;
    const fail = (pattern: string) =>
      page.route(pattern, (route) =>
        route.fulfill({ status: 503, json: { code: 'X', message: 'The database is away.' } }),
      );
    const CAMPAIGN = `**/campaigns/${id}`;
    await fail(CAMPAIGN);
    await signIn(page, program.carillon.url, `${CAMPAIGNS}/${id}/edit`);
    await page.getByText('The database is away.').waitFor({ timeout: 20_000 });
    await expectAccessible(screen, 'campaign-editor-failing');
    await page.unroute(CAMPAIGN);
    await page.getByRole('button', { name: 'Try again' }).click();
    await nameOf(page).waitFor();
    for (const part of ['**/campaigns:preview*', '**/messages:render']) {
      await fail(part);
      await textOf(page).fill(`Text for ${part}`);
      await page.getByRole('alert').filter({ hasText: 'The database is away.' }).waitFor({ timeout: 20_000 });
      await page.unroute(part);
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByRole('alert').waitFor({ state: 'detached' });
    }
    await fail(CAMPAIGN);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('alert').filter({ hasText: 'The database is away.' }).first().waitFor({ timeout: 20_000 });
    await page.unroute(CAMPAIGN);
    expect(await textOf(page).inputValue()).toBe('Text for **/messages:render');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('heading', { name: 'Weekly', exact: true, level: 1 }).waitFor();
    expect((await read(id)).content).toMatchObject({ message: { alert: 'Text for **/messages:render' } });
  });

  it('is found by its id, edited by keyboard, and says which scope or campaign is missing', async () => {
    const id = await make();
    const { page } = await open();
    await page.keyboard.press('Control+k');
    await page.getByRole('textbox', { name: /^Id of a message/ }).fill(id);
    await page
      .getByRole('dialog')
      .getByRole('link', { name: /Weekly/ })
      .click();
    await page.getByRole('heading', { name: 'Weekly', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Edit' }).press('Enter');
    await nameOf(page).focus();
    await page.keyboard.press('End');
    await page.keyboard.type(' news');
    // Enter in a field saves nothing: an active campaign would change half-typed.
    await page.keyboard.press('Enter');
    const save = page.getByRole('button', { name: 'Save', exact: true });
    await save.focus();
    expect(await read(id)).toMatchObject({ name: 'Weekly' });
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Weekly news', level: 1 }).waitFor();

    const missing = await browser.open();
    await signIn(missing.page, program.carillon.url, `${CAMPAIGNS}/${id.slice(0, -3)}000/edit`);
    await missing.page.getByText('There is no such thing').waitFor();

    const secret = await new Admin(program.carillon.url).addClient('looker', `*.read push.application.${APP}`);
    const viewer = await browser.open();
    const client = { id: 'looker', secret };
    await signInAs(viewer.page, program.carillon.url, client, `${CAMPAIGNS}/${id}`);
    await viewer.page.getByRole('button', { name: 'See all fields' }).click();
    await viewer.page.getByText('You can write and look, and not save').waitFor();
    const disabled = viewer.page.getByRole('button', { name: 'Save', exact: true });
    expect(await disabled.getAttribute('aria-description')).toContain('campaigns.write');
    await expectAccessible(viewer, 'campaign-editor-forbidden');
  });
});

function nameOf(page: Page) {
  return page.getByRole('textbox', { name: 'Name', exact: true }).first();
}

function textOf(page: Page) {
  return page.getByRole('textbox', { name: 'Text', exact: true });
}

async function choose(page: Page, field: string, option: string): Promise<void> {
  await page.getByRole('combobox', { name: field }).click();
  await page.getByRole('option', { name: option }).click();
}

function viewersTime(time: string, timeZone: string): string {
  const parts = { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' } as const;
  return new Intl.DateTimeFormat('en-GB', { ...parts, second: '2-digit', timeZone }).format(new Date(time));
}
