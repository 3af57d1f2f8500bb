import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { findBinary } from '../../test/harness/programs.js';

/** A browser that looks at the console. */

export async function launch(): Promise<Browser> {
  const executablePath = findBinary('chromium');
  if (executablePath === null) throw new Error('chromium is missing: apt-get install chromium');
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

export async function signIn(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${url}/console/`);
  await page.getByRole('button', { name: 'Sign in as test' }).click();
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  return page;
}
