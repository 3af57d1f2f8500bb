import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { freePort } from '../harness/servers.js';
import { isMissing, startNginx } from '../medium/http2/real-peers.js';
import type { RealPeer } from '../medium/http2/real-peers.js';
import { EMBEDDED } from '../e2e/stages.js';
import { HAS_BROWSER, useBrowser } from './browser.js';

/** The console under a path of a proxy, which is not offered: the browser shows the reason and no white page. */
describe.runIf(HAS_BROWSER && !isMissing('nginx'))('under a path of a proxy', () => {
  const browser = useBrowser();
  const program = runProgram(EMBEDDED);
  let proxy: RealPeer;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    const { host } = new URL(program.carillon.url);
    proxy = await startNginx(
      '',
      `server { listen 127.0.0.1:${port};
         location /push/ { proxy_pass http://${host}/; }
         location /whole/ { proxy_pass http://${host}; } }`,
    );
  });
  afterAll(() => proxy?.stop());

  it('that cuts its prefix, the page says why it stays empty', async () => {
    const { page } = await browser.open();
    await page.goto(`http://localhost:${port}/push/console/`);
    const reason = page.getByText('has to be at the root of its host');
    expect(await reason.isVisible()).toBe(false);
    await reason.waitFor();
  });

  it('that keeps its prefix, the answer says that there is no such path', async () => {
    const { page } = await browser.open();
    const answer = await page.goto(`http://localhost:${port}/whole/console/`);
    expect([answer?.status(), await page.locator('body').innerText()]).toEqual([
      404,
      expect.stringContaining('this path does not exist'),
    ]);
  });

  it('at the root, no reason is seen', async () => {
    const { page, faults } = await browser.open();
    await page.goto(`${program.carillon.url}/console/`);
    await page.getByRole('button', { name: 'Sign in as test' }).waitFor();
    expect(await page.getByText('has to be at the root of its host').count()).toBe(0);
    expect(faults).toEqual([]);
  });
});
