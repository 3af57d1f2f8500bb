import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { Api } from '../test/harness/api.js';
import { startCarillon } from '../test/harness/carillon.js';
import { findBinary } from '../test/harness/programs.js';

/** Takes the pictures of docs/console.md from a fresh start of the built program, in the order of the first steps. */

const FOLDER = fileURLToPath(new URL('../docs/pictures/', import.meta.url));
const SIZE = { width: 1000, height: 640 };

const executablePath = findBinary('chromium');
if (executablePath === null) throw new Error('The pictures need chromium');

mkdirSync(FOLDER, { recursive: true });
const data = mkdtempSync(join(tmpdir(), 'carillon-pictures-'));
const carillon = await startCarillon({ DATA_DIR: data });
const program = await Api.connect(carillon.url);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const context = await browser.newContext({ viewport: SIZE, locale: 'en-GB', timezoneId: 'Europe/Berlin' });
  const page = await context.newPage();
  await page.goto(carillon.url);
  await page.getByRole('button', { name: 'Sign in as test' }).waitFor();
  await take(page, 'sign-in');
  await page.getByRole('button', { name: 'Sign in as test' }).click();
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  await page.goto(`${carillon.url}/console/apps/com.example.app`);
  const send = page.getByRole('button', { name: 'Send it to 5 devices' });
  await send.waitFor();
  await take(page, 'overview');
  await send.click();
  await page.getByText('Finished', { exact: true }).waitFor();
  await take(page, 'message');
  await program.app('PUT', '/settings/webPushConf', { subject: 'mailto:push@example.com' });
  await page.goto(`${carillon.url}/console/apps/com.example.app/providers`);
  await page.getByText('Copy the snippet').waitFor();
  await take(page, 'providers');
  // The preview stands beside the form from this width on.
  await page.setViewportSize({ width: 1240, height: 780 });
  await page.goto(`${carillon.url}/console/apps/com.example.app/campaigns/new`);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Monday news');
  await page.getByRole('textbox', { name: 'Text', exact: true }).fill('Hello {{name|friend}}, this week in your town');
  await page.getByText('Reaches 5 devices').waitFor();
  await page.getByRole('region', { name: 'Preview: Android' }).waitFor();
  await take(page, 'campaign-editor');
} finally {
  await browser.close();
  await carillon.stop();
  rmSync(data, { recursive: true, force: true });
}

async function take(page: Page, name: string): Promise<void> {
  await page.getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' });
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });
}
