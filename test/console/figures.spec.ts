import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { SERVERS } from '../e2e/stages.js';
import { Deployment } from '../harness/deployment.js';
import { expectAccessible, HAS_BROWSER, signIn, useBrowser } from './browser.js';

/** The figures of a message in a browser beside those of the API, while a worker is lost and another one comes. */

const DEVICES = 10_000;

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

  it('are those of the API, name the missing worker, and are read out at most every ten seconds', async () => {
    const deployment = await Deployment.start(SERVERS!, DEVICES);
    try {
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

      /** One look each second until the condition holds. */
      const watch = async (until: (seen: Look) => boolean | Promise<boolean>, limitMs: number): Promise<void> => {
        for (const end = performance.now() + limitMs; ; await page.waitForTimeout(1_000)) {
          const [seen, report] = [await look(page), await api.message(id)];
          expect(sumOf(seen.outcomes), seen.text).toBe(seen.audience);
          expect(sumOf(report.outcomes)).toBe(report.audience);
          const open = (seen.outcomes.pending ?? 0) + (seen.outcomes.inFlight ?? 0);
          if (open > 0) expect(seen.text).not.toMatch(/100% settled|Finished/);
          if ((report.outcomes.pending ?? 0) + (report.outcomes.inFlight ?? 0) > 0)
            expect(report.state).not.toBe('finished');
          // The page is read before the API, so the page is never ahead.
          expect(seen.outcomes.accepted ?? 0).toBeLessThanOrEqual(report.outcomes.accepted ?? 0);
          if (await until(seen)) return;
          if (performance.now() > end) throw new Error(`not as wanted in time: ${seen.text.slice(0, 300)}`);
        }
      };

      await watch(({ outcomes, audience }) => audience === DEVICES && (outcomes.accepted ?? 0) > DEVICES / 2, 120_000);
      expect(await button.evaluate((node) => node.ownerDocument.activeElement === node)).toBe(true);
      await worker.kill();
      // 60 s without a worker, and the leases of the lost one.
      await watch(({ text }) => text.includes('No worker has run for 60 seconds'), 80_000);
      await expectAccessible(screen, 'message-no-worker');
      await deployment.startProcess('worker');
      await watch(async () => (await page.locator('[data-state=finished]').count()) === 1, 180_000);
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
    } finally {
      await deployment.stop();
    }
  }, 600_000);
});
