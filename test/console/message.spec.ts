import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from '../e2e/stages.js';
import { expectAccessible, HAS_BROWSER, signIn, signInAs, useBrowser } from './browser.js';

/** Messages and one message in a browser, against the built program. */

const DEVICES = 100_000;
const APP = 'apps/com.example.app';

/** The eight outcomes that the page shows, and the audience beside its state. */
async function figuresOf(page: Page): Promise<{ audience: number; outcomes: Record<string, number> }> {
  // One evaluation: figures of one moment.
  const [audience, ...outcomes] = await page.evaluate<string[]>(
    `[document.querySelector('[data-audience]').textContent,
      ...[...document.querySelectorAll('[data-count]')].map((one) => one.dataset.count + ' ' + one.firstElementChild.textContent)]`,
  );
  const number = (text: string): number => Number(text.replace(/\D/g, ''));
  return {
    audience: number(audience ?? ''),
    outcomes: Object.fromEntries(outcomes.map((entry) => [entry.split(' ')[0]!, number(entry)])),
  };
}

describe.runIf(HAS_BROWSER).each(STAGES)('messages in the console, on $name', (stage) => {
  const browser = useBrowser();
  const program = runProgram(stage);

  it('goes from a fresh start to a message watched to its end, in under two minutes', async () => {
    const started = performance.now();
    const screen = await browser.open();
    const { page } = screen;
    await page.goto(program.carillon.url);
    await page.getByRole('button', { name: 'Sign in as test' }).click();
    await page.getByRole('heading', { name: 'First steps' }).waitFor();
    await expectAccessible(screen, 'first-steps');
    const send = page.getByRole('button', { name: 'Send it to 5 devices' });
    // A double click sends once.
    await send.dblclick();
    await page.getByText('Finished', { exact: true }).waitFor();
    expect((await figuresOf(page)).outcomes).toMatchObject({ accepted: 5, pending: 0 });
    expect(performance.now() - started).toBeLessThan(120_000);
    const { body } = await program.api.app<{ messages: unknown[] }>('GET', '/messages');
    expect(body.messages).toHaveLength(1);
    await page.getByRole('table', { name: 'Deliveries' }).getByText('Accepted').nth(4).waitFor();
    await expectAccessible(screen, 'message');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export all (NDJSON)' }).click(),
    ]);
    const lines = (await readFile(await file.path(), 'utf8')).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ trailer: { count: 5 } });
  });

  it('filters the list by what stands in the address, and says when nothing fits', async () => {
    const screen = await browser.open();
    const { page } = screen;
    const id = await program.api.send({ message: { alert: '<img src=x onerror=alert(1)>' }, label: 'markup' });
    await program.api.waitFor(id);
    await signIn(page, program.carillon.url, `${APP}/messages`);
    const table = page.getByRole('table', { name: 'Messages' });
    await table.getByText('Hello from Carillon').first().waitFor();
    expect(await table.getByRole('row').count()).toBeGreaterThan(2);
    await page.getByLabel('Label').fill('markup');
    await page.keyboard.press('Enter');
    await table.getByText('Hello from Carillon').waitFor({ state: 'detached' });
    await table.getByRole('link', { name: '<img src=x onerror=alert(1)>' }).waitFor();
    expect(new URL(page.url()).search).toBe('?label=markup');
    expect(await table.getByRole('row').count()).toBe(2);
    await expectAccessible(screen, 'messages');
    await table.getByRole('link', { name: '<img src=x onerror=alert(1)>' }).click();
    await page.getByRole('heading', { level: 1, name: '<img src=x onerror=alert(1)>' }).waitFor();
    await page.goBack();
    await table.waitFor();
    expect(new URL(page.url()).search).toBe('?label=markup');
    await page.goto(`${program.carillon.url}/console/${APP}/messages?label=other`);
    await page.getByRole('heading', { name: 'No message fits the filter' }).waitFor();
    await page.goto(`${program.carillon.url}/console/${APP}/messages?after=no-such-cursor`);
    await page.getByText('That page no longer exists; this is the first one.').waitFor();
    await table.waitFor();
    expect(screen.faults).toEqual([]);
  });

  it('says that a message does not exist, that the server does not answer, and goes on by itself', async () => {
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, `${APP}/messages/Zz9Zz9Zz`);
    await page.getByText('There is no such thing').waitFor();
    await page.route('**/imfpush/**', (route) => route.abort());
    await page.goto(`${program.carillon.url}/console/${APP}/messages`);
    await page.getByText('Carillon does not answer').waitFor();
    await page.unroute('**/imfpush/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('table', { name: 'Messages' }).waitFor();
    expect(await page.getByText('Carillon does not answer').count()).toBe(0);
  });

  it('shows a person without the scope what is missing, on controls and on screens', async () => {
    const admin = new Admin(program.carillon.url);
    const reader = await admin.addClient('reader', 'messages.read push.application.com.example.app');
    const other = await admin.addClient('other', 'devices.read push.application.com.example.app');
    const id = await program.api.send({ message: { alert: 'Later' }, sendAt: '2027-06-01T08:00:00Z' });
    const screen = await browser.open();
    await signInAs(screen.page, program.carillon.url, { id: 'reader', secret: reader }, `${APP}/messages/${id}`);
    const pause = screen.page.getByRole('button', { name: 'Pause' });
    await pause.focus();
    await screen.page.getByText('Needs the scope messages.control, which you do not have').waitFor();
    await screen.page.keyboard.press('Enter');
    await expectAccessible(screen, 'message-reader');
    expect((await program.api.message(id)).state).toBe('scheduled');
    const second = await browser.open();
    await signInAs(second.page, program.carillon.url, { id: 'other', secret: other }, `${APP}/messages`);
    await second.page.getByText('Your scope does not cover this').waitFor();
    await expectAccessible(second, 'messages-forbidden');
  });

  it.each([
    ['behind', -3_600_000],
    ['ahead', 3_600_000],
  ])('tells the time by the server if the viewer’s clock is an hour %s', async (_name, byMs) => {
    const id = await program.api.send({ message: { alert: 'Now' } });
    const report = await program.api.waitFor(id);
    const { page } = await browser.open();
    await page.clock.install({ time: Date.now() + byMs });
    await signIn(page, program.carillon.url, `${APP}/messages`);
    const table = page.getByRole('table', { name: 'Messages' });
    await table.getByText('Now', { exact: true }).first().waitFor();
    await page.getByText('The clock of this computer is wrong').waitFor();
    expect(await table.getByText(/^in .*(second|minute|hour)/).count()).toBe(0);
    expect(await table.getByText(/hours? ago/).count()).toBe(0);
    const asked = page.waitForRequest(/\/stats\?/);
    await page.goto(`${program.carillon.url}/console/${APP}?range=hour`);
    const range = new URL((await asked).url()).searchParams;
    for (const [name, agoMs] of [
      ['from', 3_600_000],
      ['to', 0],
    ] as const)
      expect(Math.abs(Date.now() - agoMs - Date.parse(range.get(name) ?? '')), name).toBeLessThan(60_000);
    const figures = page.getByRole('region', { name: 'Deliveries' }).locator('[data-count=accepted]');
    await expect
      .poll(async () => Number((await figures.textContent())?.replace(/[^\d].*/, '')), { timeout: 90_000 })
      .toBeGreaterThanOrEqual(report.audience);
    // A message under way: its time left is no negative and no hour too long.
    await program.api.app('POST', '/devices', {
      deviceId: 'busy',
      platform: 'G',
      token: 'sandbox:throttled-forever:b',
    });
    const later = await program.api.send({ message: { alert: 'Later' }, target: { deviceIds: ['busy'] } });
    await page.goto(`${program.carillon.url}/console/${APP}/messages/${later}`);
    await page.getByText('Open deliveries are tried again at').waitFor();
    expect(await page.getByRole('main').textContent()).not.toMatch(/-\d+ sec|about [^ ]* h/);
    await program.api.app('DELETE', `/messages/${later}`);
    await program.api.app('DELETE', '/devices/busy');
  });

  it('shows the same after back, a reload and in another browser, also a later page', async () => {
    const body = { message: { alert: 'One of many' }, label: 'many', sendAt: '2027-06-01T08:00:00Z' };
    await program.api.app(
      'POST',
      '/messages/bulk',
      Array.from({ length: 60 }, () => body),
    );
    const { page } = await browser.open();
    await signIn(page, program.carillon.url, `${APP}/messages?label=many&state=scheduled`);
    const table = page.getByRole('table', { name: 'Messages' });
    const hrefs = () => table.getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    await table.getByRole('link').first().waitFor();
    const first = await hrefs();
    await page.getByRole('button', { name: 'Next page' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.has('after')).toBe(true);
    await expect.poll(async () => (await hrefs()).some((href) => first.includes(href))).toBe(false);
    const second = await hrefs();
    expect(second.length).toBeGreaterThan(0);
    const address = page.url();
    await table.getByRole('link').first().click();
    await page.getByRole('heading', { level: 1, name: 'One of many' }).waitFor();
    await page.goBack();
    expect(page.url()).toBe(address);
    await expect.poll(hrefs).toEqual(second);
    await page.reload();
    await expect.poll(hrefs).toEqual(second);
    const other = await browser.open();
    await signIn(
      other.page,
      program.carillon.url,
      new URL(address).pathname.slice('/console/'.length) + new URL(address).search,
    );
    const there = other.page.getByRole('table', { name: 'Messages' });
    await expect
      .poll(() => there.getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href'))))
      .toEqual(second);
    expect(await other.page.getByLabel('Label').inputValue()).toBe('many');
    for (const cursor of ['gone', '99999999999999999.1']) {
      await page.goto(address.replace(/after=[^&]*/, `after=${cursor}`));
      await page.getByText('That page no longer exists; this is the first one.').waitFor();
      await expect.poll(hrefs).toEqual(first);
    }
    const { body: list } = await program.api.app<{ messages: { messageId: string }[] }>(
      'GET',
      '/messages?label=many&size=100',
    );
    await Promise.all(list.messages.map(({ messageId }) => program.api.app('DELETE', `/messages/${messageId}`)));
  });

  it(`shows a broadcast to ${DEVICES} devices live, equal to the API, then sends chosen outcomes again`, async () => {
    const line = (index: number) =>
      JSON.stringify({
        deviceId: `d${index}`,
        platform: 'G',
        token: `sandbox:${index % 1_000 === 0 ? 'rejected' : 'accepted'}:d${index}`,
      });
    const imported = await program.api.raw(
      'POST',
      '/devices:import',
      Array.from({ length: DEVICES }, (_, index) => line(index)).join('\n'),
      { 'content-type': 'application/x-ndjson' },
    );
    expect(imported.status).toBe(200);
    await imported.text();
    const { page, faults } = await browser.open();
    await signIn(page, program.carillon.url, `${APP}/messages`);
    // Starts paused: a quick machine would have sent the broadcast before the page shows.
    const id = await program.api.send({ message: { alert: 'To all' } });
    expect((await program.api.app('POST', `/messages/${id}/pause`)).status).toBe(204);
    await page.goto(`${program.carillon.url}/console/${APP}/messages/${id}`);
    await page.locator('[data-state=paused]').waitFor();
    await page.locator('[data-count]').first().waitFor();
    await page.evaluate(
      `window.said = []; new MutationObserver(() => said.push(performance.now())).observe(
        document.querySelector('main [aria-live]'), { childList: true, characterData: true, subtree: true })`,
    );
    await page.getByRole('button', { name: 'Resume' }).click();
    // Each look has to hold; only the end is waited for.
    let looks = 0;
    const look = async (): Promise<boolean> => {
      const { audience, outcomes } = await figuresOf(page);
      const sum = Object.values(outcomes).reduce((total, count) => total + count, 0);
      expect(sum, JSON.stringify(outcomes)).toBe(audience);
      const open = (outcomes.pending ?? 0) + (outcomes.inFlight ?? 0);
      const text = await page.getByRole('main').textContent();
      if (open > 0) expect(text).not.toContain('100% settled');
      looks += 1;
      return (await page.locator('[data-state=finished]').count()) === 1;
    };
    await expect.poll(look, { timeout: 150_000, interval: 500 }).toBe(true);
    expect(looks).toBeGreaterThan(1);
    const report = await program.api.message(id);
    expect(await figuresOf(page)).toEqual({ audience: report.audience, outcomes: report.outcomes });
    expect(report.audience).toBe(DEVICES + 5);
    // At most one announcement in ten seconds, and one at the end.
    const said = await page.evaluate<number[]>('said');
    for (const [index, at] of said.slice(1, -1).entries()) expect(at - said[index]!).toBeGreaterThan(9_000);

    await page.getByRole('table', { name: 'Reasons' }).getByText('100', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Send again …' }).click();
    const again = page.getByRole('button', { name: 'Send 100 deliveries again' });
    await again.dblclick();
    await page.getByRole('link', { name: 'Show the new message' }).click();
    await page.getByText('100 devices').waitFor();
    const { body } = await program.api.app<{ messages: { resendOf?: string }[] }>('GET', '/messages?size=50');
    expect(body.messages.filter(({ resendOf }) => resendOf === id)).toHaveLength(1);
    expect(faults).toEqual([]);
  }, 300_000);
});
