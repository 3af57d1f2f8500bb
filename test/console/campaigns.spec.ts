import { expect, it, describe, vi } from 'vitest';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from '../e2e/stages.js';
import { HAS_BROWSER, expectAccessible, signIn, signInAs, useBrowser } from './browser.js';

const CAMPAIGNS = 'apps/com.example.app/campaigns';
const BODY = { content: { message: { alert: 'Hello' } }, schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Berlin' } };

describe.runIf(HAS_BROWSER).each(STAGES)('campaigns, on $name', (stage) => {
  const program = runProgram(stage);
  const browser = useBrowser();

  async function make(name: string, change: object = {}): Promise<string> {
    const { status, body } = await program.api.app<{ campaignId: string }>('POST', '/campaigns', {
      ...BODY,
      name,
      ...change,
    });
    expect(status).toBe(201);
    return body.campaignId;
  }
  const act = (id: string, verb: string) => program.api.app('POST', `/campaigns/${id}/${verb}`);
  const drop = (id: string) => program.api.app('DELETE', `/campaigns/${id}?cancel=true`);

  it('are listed; an empty list says what a campaign is', async () => {
    const screen = await browser.open();
    await signIn(screen.page, program.carillon.url, CAMPAIGNS);
    await screen.page.getByText('There are no campaigns yet').waitFor();
    await expectAccessible(screen, 'campaigns-empty');
    const id = await make('Weekly digest');
    await act(id, 'activate');
    await screen.page.reload();
    const row = screen.page.getByRole('row', { name: /Weekly digest/ });
    await row.getByText('Active').waitFor();
    expect(await row.textContent()).toContain('At 09:00, only on Monday · Europe/Berlin');
    await expectAccessible(screen, 'campaigns');
    await drop(id);
  });

  it('one is run by hand once however often the button is pressed, and shows its variants side by side', async () => {
    const split = [
      { name: 'A', share: 50 },
      { name: 'B', share: 50, content: { message: { alert: 'Hi' } } },
    ];
    const id = await make('Two texts', { split });
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, `${CAMPAIGNS}/${id}`);
    await page.getByText('It has not fired yet.').waitFor();
    await page.getByText('Reaches 5 devices as of now.').waitFor();
    await page.getByRole('button', { name: 'Run now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).dblclick();
    await page.locator('[data-variant="B"]').waitFor();
    await vi.waitFor(
      async () => {
        const settled = await page.locator('[data-variant] [data-count="accepted"]').allTextContents();
        expect(settled.reduce((sum, text) => sum + Number.parseInt(text, 10), 0)).toBe(5);
      },
      { timeout: 30_000, interval: 250 },
    );
    const { body } = await program.api.app<{ runs: { outcomes: Record<string, number> }[] }>(
      'GET',
      `/campaigns/${id}/runs`,
    );
    expect(body.runs).toHaveLength(1);
    expect(body.runs[0]?.outcomes.accepted).toBe(5);
    await expectAccessible(screen, 'campaign');
    await drop(id);
  });

  it('one is activated, paused, resumed and deleted', async () => {
    const id = await make('Switched');
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, `${CAMPAIGNS}/${id}`);
    for (const [verb, state] of [
      ['Activate', 'active'],
      ['Pause', 'paused'],
      ['Resume', 'active'],
    ] as const) {
      await page.getByRole('button', { name: verb, exact: true }).press('Enter');
      await page.locator(`[data-state="${state}"]`).waitFor();
      expect((await program.api.app('GET', `/campaigns/${id}`)).body).toMatchObject({ state });
    }
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('There are no campaigns yet').waitFor();
    expect((await program.api.app('GET', `/campaigns/${id}`)).status).toBe(404);
  });

  it('the calendar shows each firing at the time of the API, after any paging and in any zone', async () => {
    const daily = await make('Daily nine', { schedule: { cron: '0 9 * * *', timeZone: 'America/New_York' } });
    const recipients = await make('Everywhere', {
      schedule: { cron: '0 8 14 3 *', timeZone: 'recipient', defaultTimeZone: 'Pacific/Auckland' },
    });
    for (const id of [daily, recipients]) await act(id, 'activate');
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, `${CAMPAIGNS}/calendar?month=2027-03&zone=Europe%2FLondon`);
    const cell = (date: string) => page.locator(`td[data-date="${date}"] [data-campaign="${daily}"]`);
    const clocks = async (dates: readonly string[]) => {
      const texts = await Promise.all(dates.map((date) => cell(date).textContent()));
      return texts.map((text) => /\d\d:\d\d/.exec(text ?? '')?.[0]);
    };
    const days = ['2027-03-13', '2027-03-14', '2027-03-27', '2027-03-28'];
    const london = ['14:00', '13:00', '13:00', '14:00'];
    await cell('2027-03-13').waitFor();
    expect(await clocks(days)).toEqual(london);
    await page.locator('td[data-date="2027-03-28"]').getByText('Clocks go forward by 60 minutes').waitFor();
    await page.getByText('Daily nine', { exact: true }).first().waitFor();
    await expectAccessible(screen, 'calendar');

    await page.getByRole('button', { name: 'Next month' }).click();
    await cell('2027-04-20').waitFor();
    await page.getByRole('button', { name: 'Previous month' }).click();
    await cell('2027-03-13').waitFor();
    expect(await clocks(days)).toEqual(london);

    // The API's own firings, as the zone's clock shows them.
    const { body } = await program.api.app<{ firings: { campaignId: string; time: string; waves?: number }[] }>(
      'GET',
      '/campaigns:firings?from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z',
    );
    await page.getByRole('combobox', { name: 'Time zone' }).fill('Auckland');
    await page.getByRole('option', { name: 'Pacific/Auckland' }).click();
    await page.getByText('All times are local times of Pacific/Auckland').waitFor();
    for (const { campaignId, time } of body.firings) {
      const [date, clock] = new Date(Date.parse(time) + 13 * 3_600_000).toISOString().slice(0, 16).split('T');
      const shown = page.locator(`td[data-date="${date}"] [data-campaign="${campaignId}"]`);
      expect(await shown.textContent(), time).toContain(clock);
    }
    expect(body.firings.find(({ campaignId }) => campaignId === recipients)?.waves).toBeGreaterThan(20);

    // Month and zone are of the address: after back, after a reload, and for another person.
    const address = page.url();
    const shown = await page.getByRole('main').innerText();
    await page.getByText('Daily nine', { exact: true }).first().click();
    await page.getByRole('heading', { name: 'Daily nine', level: 1 }).waitFor();
    await page.goBack();
    await cell('2027-03-13').waitFor();
    expect(page.url()).toBe(address);
    await expect.poll(() => page.getByRole('main').innerText()).toBe(shown);
    await page.reload();
    await expect.poll(() => page.getByRole('main').innerText()).toBe(shown);
    const { page: other } = await browser.open({ timezoneId: 'America/New_York' });
    await signIn(other, program.carillon.url, address.slice(`${program.carillon.url}/console/`.length));
    await expect.poll(() => other.getByRole('main').innerText()).toBe(shown);
    await page.getByRole('button', { name: 'Which of them share users?' }).click();
    await page
      .getByText('Daily nine and Everywhere share 5 users')
      .or(page.getByText(/share \d users?/))
      .waitFor();
    for (const id of [daily, recipients]) await drop(id);
  });

  it('the list begins at its first page if its cursor is of a campaign that was deleted', async () => {
    const [kept, gone] = [await make('Kept'), await make('Gone')];
    await drop(gone);
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, `${CAMPAIGNS}?after=${gone}`);
    await page.getByText('That page no longer exists; this is the first one.').waitFor();
    await page.getByRole('link', { name: 'Kept' }).waitFor();
    expect(new URL(page.url()).searchParams.get('after')).toBe(gone);
    await drop(kept);
  });

  it('without the scope the screen says what it needs, and buttons say why they do nothing', async () => {
    const id = await make('Not mine');
    const admin = new Admin(program.carillon.url);
    const application = 'push.application.com.example.app';
    const blind = await admin.addClient('sees-nothing', `messages.read ${application}`);
    const reader = await admin.addClient('reads-campaigns', `campaigns.read ${application}`);
    const forbidden = await browser.open();
    await signInAs(forbidden.page, program.carillon.url, { id: 'sees-nothing', secret: blind }, CAMPAIGNS);
    await forbidden.page.getByText('Your scope does not cover this').waitFor();
    await expectAccessible(forbidden, 'campaigns-forbidden');
    const reading = await browser.open();
    const client = { id: 'reads-campaigns', secret: reader };
    await signInAs(reading.page, program.carillon.url, client, `${CAMPAIGNS}/${id}`);
    const run = reading.page.getByRole('button', { name: 'Run now' });
    expect(await run.getAttribute('aria-disabled')).toBe('true');
    await run.press('Enter');
    expect(await reading.page.getByRole('dialog').count()).toBe(0);
    await drop(id);
  });

  it('a failing API is told, and read again on demand', async () => {
    const screen = await browser.open();
    const { page } = screen;
    await page.route('**/apps/com.example.app/campaigns?*', (route) => route.fulfill({ status: 500, body: '{}' }));
    await signIn(page, program.carillon.url, CAMPAIGNS);
    await page.getByText('This could not be read').waitFor();
    await page.unroute('**/apps/com.example.app/campaigns?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('There are no campaigns yet').waitFor();
    expect(await page.getByText('This could not be read').count()).toBe(0);
  });
});
