import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCarillon } from '../harness/carillon.js';
import { runProgram } from '../harness/program.js';
import { freePort } from '../harness/servers.js';
import { isMissing, startNginx } from '../medium/http2/real-peers.js';
import type { RealPeer } from '../medium/http2/real-peers.js';
import { EMBEDDED, SERVERS } from '../e2e/stages.js';
import { HAS_BROWSER, nonceOf, signIn, useBrowser } from './browser.js';

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

describe.runIf(HAS_BROWSER && SERVERS && !isMissing('nginx'))('behind a balancer of two processes', () => {
  const browser = useBrowser();

  it('each page has a nonce of its own and keeps to its policy', async () => {
    const { environment, clean } = await SERVERS!.prepare();
    const processes = [await startCarillon(environment), await startCarillon({ ...environment, ROLES: 'api' })];
    const [first, second] = processes.map(({ url }) => new URL(url).host);
    const port = await freePort();
    // The processes take turns to answer with the page; the other one has the page's files and figures.
    const proxy = await startNginx(
      '',
      `map "$http_turn $http_sec_fetch_dest" $process {
         "0 document" ${first}; "1 document" ${second}; ~^0 ${second}; default ${first}; }
       server { listen 127.0.0.1:${port};
         location / { proxy_pass http://$process; proxy_set_header Host $http_host; add_header Process $process; } }`,
    );
    try {
      const { page, faults } = await browser.open();
      await signIn(page, `http://localhost:${port}`);
      const nonces = new Set<string>();
      for (let time = 0; time < 10; time += 1) {
        await page.setExtraHTTPHeaders({ turn: String(time % 2) });
        const answer = await page.reload();
        expect([answer?.status(), answer?.headers()['process']]).toEqual([200, [first, second][time % 2]]);
        nonces.add(await nonceOf(answer));
        await page.getByRole('heading', { name: 'Overview' }).waitFor();
      }
      expect(nonces.size).toBe(10);
      expect(faults).toEqual([]);
    } finally {
      await proxy.stop();
      await Promise.all(processes.map((each) => each.stop()));
      clean();
    }
  });
});
