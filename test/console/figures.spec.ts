import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVERS } from '../e2e/stages.js';
import { Deployment } from '../harness/deployment.js';
import { expectAccessible, HAS_BROWSER, signIn, useBrowser } from './browser.js';

/** The figures of a message in a browser beside those of the API, while a worker is lost and another one comes. */

const DEVICES = 10_000;
/** Deliveries per second of the campaigns. */
const RATE = 200;
const TTL_S = 6;

/** The figures of one moment, and the text of the page. */
interface Look {
  audience: number;
  outcomes: Record<string, number>;
  text: string;
}

async function look(page: Page): Promise<Look> {
  return page.evaluate<Look>(`(() => {
    const number = (text) => Number((text ?? '').replace(/\\D/g, ''));
    return {
      audience: number(document.querySelector('[data-audience]')?.textContent),
      outcomes: Object.fromEntries([...document.querySelectorAll('[data-count]')]
        .map((one) => [one.dataset.count, number(one.firstElementChild.textContent)])),
      text: document.querySelector('main').textContent,
    };
  })()`);
}

const sumOf = (outcomes: Record<string, number>): number =>
  Object.values(outcomes).reduce((total, count) => total + count, 0);

describe.runIf(HAS_BROWSER && SERVERS)('figures of a message', () => {
  const browser = useBrowser();
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await Deployment.start(SERVERS!, DEVICES);
  });
  afterAll(async () => deployment?.stop());

  /** One look at the page and at the API each second until the condition holds. */
  async function watch(
    page: Page,
    id: string,
    until: (seen: Look) => boolean | Promise<boolean>,
    limitMs: number,
  ): Promise<void> {
    for (const end = performance.now() + limitMs; ; await page.waitForTimeout(1_000)) {
      const [seen, report] = [await look(page), await deployment.api.message(id)];
      expect(sumOf(seen.outcomes), seen.text).toBe(seen.audience);
      expect(sumOf(report.outcomes)).toBe(report.audience);
      if (openOf(seen.outcomes) > 0) expect(seen.text).not.toMatch(/100% settled|Finished/);
      if (openOf(report.outcomes) > 0) expect(report.state).not.toBe('finished');
      // The page is read before the API, so the page is never ahead.
      expect(seen.outcomes.accepted ?? 0).toBeLessThanOrEqual(report.outcomes.accepted ?? 0);
      if (await until(seen)) return;
      if (performance.now() > end) throw new Error(`not as wanted in time: ${seen.text.slice(0, 300)}`);
    }
  }

  it('are those of the API, name the missing worker, and are read out at most every ten seconds', async () => {
    const { api } = deployment;
    await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 200, streams: 50 } });
    const worker = await deployment.startProcess('worker');
    const screen = await browser.open();
    const { page } = screen;
    const id = await api.send({ message: { alert: 'Figures' } });
    await signIn(page, api.url, `apps/${api.applicationId}/messages/${id}`);
    await page.locator('[data-audience]').waitFor();
    await page.evaluate(`window.said = []; for (const region of document.querySelectorAll('main [aria-live]'))
      new MutationObserver(() => said.push(performance.now())).observe(region,
        { childList: true, characterData: true, subtree: true })`);
    // In the part that is read again each second.
    const button = page.getByRole('table', { name: 'Deliveries' }).getByRole('link').nth(2);
    await button.focus();
    await page.evaluate(`window.moved = 0; document.addEventListener('focusout', () => { moved += 1; })`);

    const isHalf = ({ outcomes, audience }: Look) => audience === DEVICES && (outcomes.accepted ?? 0) > DEVICES / 2;
    await watch(page, id, isHalf, 120_000);
    expect(await button.evaluate((node) => node.ownerDocument.activeElement === node)).toBe(true);
    await worker.kill();
    // 60 s without a worker, and the leases of the lost one.
    await watch(page, id, ({ text }) => text.includes('No worker has run for 60 seconds'), 80_000);
    await expectAccessible(screen, 'message-no-worker');
    await deployment.startProcess('worker');
    await watch(page, id, async () => (await page.locator('[data-state=finished]').count()) === 1, 180_000);
    const report = await api.message(id);
    expect(await look(page)).toMatchObject({ audience: DEVICES, outcomes: report.outcomes });
    expect(await deployment.received(id)).toBeGreaterThanOrEqual(report.outcomes.accepted ?? 0);
    // The focus never moved.
    expect(await page.evaluate<number>('moved')).toBe(0);
    expect(await button.evaluate((node) => node.ownerDocument.activeElement === node)).toBe(true);
    const said = await page.evaluate<number[]>('said');
    expect(said.length).toBeGreaterThan(2);
    // The last one comes at the end.
    for (const [index, at] of said.slice(1, -1).entries()) expect(at - said[index]!).toBeGreaterThan(9_000);
  }, 600_000);

  it('stay true under a rate and a throttle, with a pause, a cancel and an end of the time to live', async () => {
    const { api } = deployment;
    await deployment.simulators.admin.changeSettings({ apns: { latencyMs: 50, streams: 1_000 } });
    await deployment.startProcess('worker');
    const { page } = await browser.open();
    await signIn(page, api.url);
    /** Fires a campaign to all devices, and shows its message. */
    const fire = async (name: string, ttl: number): Promise<string> => {
      const { body: campaign } = await api.app<{ campaignId: string }>('POST', '/campaigns', {
        name,
        content: { message: { alert: name }, ttl },
        schedule: { cron: '0 0 1 1 *' },
        policies: { ratePerSecond: RATE },
      });
      const path = `/campaigns/${campaign.campaignId}`;
      const { body: run } = await api.app<{ runId: string }>('POST', `${path}/run`);
      const { body } = await api.app<{ waves: { messages: { messageId: string }[] }[] }>(
        'GET',
        `${path}/runs/${run.runId}`,
      );
      const id = body.waves[0]?.messages[0]?.messageId ?? '';
      await page.goto(`${api.url}/console/apps/${api.applicationId}/messages/${id}`);
      await page.locator('[data-audience]').waitFor();
      return id;
    };
    const endsAs = (state: string) => async () => (await page.locator(`main [data-state=${state}]`).count()) === 1;

    const stopped = await fire('Stopped', 3_600);
    await watch(
      page,
      stopped,
      ({ text, outcomes }) => text.includes('a second') && (outcomes.accepted ?? 0) > RATE,
      60_000,
    );
    await page.getByRole('button', { name: 'Pause' }).click();
    const isPaused = ({ text, outcomes }: Look) =>
      text.includes('A person paused this message.') && (outcomes.inFlight ?? 0) === 0;
    await watch(page, stopped, isPaused, 30_000);
    const atRest = await look(page);
    let looks = 0;
    await watch(
      page,
      stopped,
      ({ outcomes }) => {
        expect(outcomes).toEqual(atRest.outcomes);
        looks += 1;
        return looks === 3;
      },
      10_000,
    );
    expect(openOf(atRest.outcomes)).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Resume' }).click();
    const hasGoneOn = ({ outcomes }: Look) => (outcomes.accepted ?? 0) > (atRest.outcomes.accepted ?? 0);
    await watch(page, stopped, hasGoneOn, 30_000);
    await page.getByRole('button', { name: 'Cancel the message' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop them' }).click();
    await watch(page, stopped, async (seen) => openOf(seen.outcomes) === 0 && (await endsAs('cancelled')()), 30_000);
    const cancelled = await api.message(stopped);
    const { outcomes, audience } = await look(page);
    expect({ outcomes, audience }).toEqual({ outcomes: cancelled.outcomes, audience: cancelled.audience });
    expect(outcomes.cancelled).toBeGreaterThan(0);
    expect(audience).toBeLessThan(DEVICES);

    await deployment.simulators.admin.setFaults([
      { match: { provider: 'apns' }, action: { status: 429, body: { reason: 'TooManyRequests' } } },
    ]);
    const late = await fire('Late', TTL_S);
    await watch(page, late, endsAs('expired'), 60_000);
    const ended = await api.message(late);
    expect(await look(page)).toMatchObject({ audience: DEVICES, outcomes: ended.outcomes });
    expect(openOf(ended.outcomes)).toBe(0);
    expect(ended.outcomes.expired).toBeGreaterThan(RATE);
    await page.getByRole('table', { name: 'Reasons' }).getByText('TooManyRequests').waitFor();
    expect([ended.outcomes.accepted, await deployment.received(late)]).toEqual([0, 0]);
  }, 300_000);
});

function openOf({ pending = 0, inFlight = 0 }: Record<string, number>): number {
  return pending + inFlight;
}
