import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED } from '../e2e/stages.js';
import { HAS_BROWSER, signIn, useBrowser } from './browser.js';

/** An export by the page whose server dies: the download fails, and no file looks whole. */

const DEVICES = 100_000;
const NDJSON = { 'content-type': 'application/x-ndjson' };

describe.runIf(HAS_BROWSER)('an export', () => {
  const browser = useBrowser();
  let carillon: RunningCarillon;
  let clean: () => void;
  let message: string;

  beforeAll(async () => {
    const prepared = await EMBEDDED.prepare();
    ({ clean } = prepared);
    carillon = await startCarillon(prepared.environment);
    const api = await Api.connect(carillon.url);
    const lines = Array.from({ length: DEVICES }, (_each, n) =>
      JSON.stringify({ deviceId: `d${n}`, platform: 'G', token: `sandbox:accepted:${n}` }),
    );
    await api.raw('POST', '/devices:import', lines.join('\n'), NDJSON);
    message = await api.send({ message: { alert: 'Hello' } });
    await api.waitFor(message);
  }, 120_000);
  afterAll(async () => {
    await carillon?.kill();
    clean?.();
  });

  it('that is cut short fails as a download and leaves no file', async () => {
    const { page } = await browser.open();
    await signIn(page, carillon.url, `apps/com.example.app/messages/${message}`);
    const began = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export all (NDJSON)' }).click();
    const file = await began;
    await carillon.kill();
    expect(await file.failure()).toBeTruthy();
    await expect(file.path()).rejects.toThrow('download');
    const tools = await page.context().newCDPSession(page);
    await tools.send('Performance.enable');
    const { metrics } = await tools.send('Performance.getMetrics');
    expect(metrics.find(({ name }) => name === 'JSHeapTotalSize')?.value).toBeLessThan(300e6);
  });
});
