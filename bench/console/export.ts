import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from '../../test/harness/api.js';
import { launch, signIn } from './visitor.js';

/** The page exports the deliveries of one message. `lines`: of the file; `tabMb`: the most memory of the tab. */
export async function exportAll(
  { url, applicationId }: Pick<Api, 'url' | 'applicationId'>,
  messageId: string,
): Promise<{ lines: number; seconds: number; tabMb: number }> {
  const browser = await launch();
  try {
    const page = await signIn(browser, url);
    await page.goto(`${url}/console/apps/${applicationId}/messages/${messageId}`);
    const began = performance.now();
    const download = page.waitForEvent('download', { timeout: 60_000 });
    await page.getByRole('button', { name: 'Export all (NDJSON)' }).click();
    let path: string | undefined;
    const arrived = download.then(async (file) => (path = await file.path()));
    let tabMb = 0;
    while (path === undefined) {
      await Promise.race([arrived, delay(500)]);
      tabMb = Math.max(tabMb, ...tabsOf(process.pid));
    }
    const seconds = Math.round((performance.now() - began) / 1_000);
    let lines = 0;
    for await (const line of createInterface(createReadStream(path))) lines += line === '' ? 0 : 1;
    return { lines, seconds, tabMb };
  } finally {
    await browser.close();
  }
}

/** The resident memory of each process of a tab below a process, in MB. */
function tabsOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => {
    const isTab = readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('--type=renderer');
    const kb = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1] ?? 0);
    return [...(isTab ? [Math.round(kb / 1_024)] : []), ...tabsOf(child)];
  });
}
