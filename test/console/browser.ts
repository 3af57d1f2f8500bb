import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { findBinary } from '../harness/programs.js';

/** Debian's browser; the tests of the console are left out without it. */
const CHROMIUM = findBinary('chromium');

export const HAS_BROWSER = CHROMIUM !== null;

/** Addresses that a browser takes for another place than the console. */
export const ELSEWHERE = [
  '//evil.test',
  '/\\evil.test',
  '/%5Cevil.test',
  '/\tevil.test',
  '/\t/evil.test',
  'https:evil.test',
  '/console/..//evil.test',
  'javascript:alert(1)',
];

/** A page with everything that its browser complained about. */
export interface Screen {
  page: Page;
  /** Errors of scripts, and violations of the page's Content-Security-Policy. */
  faults: string[];
}

/** One browser for the tests of a file; each page is a visitor of its own, closed at the end. */
export function useBrowser(): { open(options?: BrowserContextOptions): Promise<Screen> } {
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (CHROMIUM === null) return;
    // Root and most containers cannot set up its sandbox. The pages are our own, also those of names below .test.
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--host-resolver-rules=MAP *.test 127.0.0.1'],
    });
  });
  afterAll(async () => browser?.close());
  return {
    open: async (options) => {
      if (!browser) throw new Error('the browser does not run yet');
      const context = await browser.newContext({
        locale: 'en-GB',
        timezoneId: 'Europe/Berlin',
        viewport: { width: 1280, height: 800 },
        ...options,
      });
      context.setDefaultTimeout(15_000);
      const page = await context.newPage();
      const faults: string[] = [];
      page.on('pageerror', ({ message }) => faults.push(message));
      page.on('console', (entry) => {
        // An answer of 4xx is an entry of the log as well, and is what some tests want.
        if (entry.type() === 'error' && !entry.text().startsWith('Failed to load resource')) faults.push(entry.text());
      });
      return { page, faults };
    },
  };
}

/** Signs in by the click that a development start offers, and waits for the frame of the screens. */
export async function signIn(page: Page, url: string, path = ''): Promise<void> {
  await page.goto(`${url}/console/${path}`);
  await page.getByRole('button', { name: 'Sign in as test' }).click();
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
}

/** Signs in by the form. */
export async function signInAs(
  page: Page,
  url: string,
  { id, secret }: { id: string; secret: string },
  path = '',
): Promise<void> {
  await page.goto(`${url}/console/${path}`);
  await page.getByLabel('Client id').fill(id);
  await page.locator('input[name=password]').fill(secret);
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
}

/** Returns the nonce of an answer with the page; header and page have the same one. */
export async function nonceOf(answer: Response | null): Promise<string> {
  const policy = answer?.headers()['content-security-policy'] ?? '';
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
  expect(await answer?.text()).toContain(`nonce="${nonce}"`);
  return nonce;
}

const SERIOUS = ['serious', 'critical'];

/** No serious or critical finding of axe in light and dark; CONSOLE_PICTURES keeps a picture of each in a folder. */
export async function expectAccessible({ page, faults }: Screen, name: string): Promise<void> {
  for (const scheme of ['light', 'dark']) {
    await page.evaluate(`document.documentElement.setAttribute('data-mantine-color-scheme', '${scheme}')`);
    await page.evaluate('Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => 0)))');
    const folder = process.env.CONSOLE_PICTURES;
    if (folder) {
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}-${scheme}.png`) });
    }
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
    const serious = violations
      .filter(({ impact }) => impact && SERIOUS.includes(impact))
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
    expect(serious, `${name}, ${scheme}`).toEqual([]);
  }
  expect(faults, name).toEqual([]);
}
