import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { findBinary } from '../harness/programs.js';

/** Debian's browsers; the tests of the console are left out without them. */
const BROWSERS = {
  /** Draws a window with pages of its own for each visitor, which costs three times as much. */
  whole: findBinary('chromium'),
  /** Has no windows and no notifications. */
  shell: findBinary('chromium-headless-shell'),
};

export const HAS_BROWSER = BROWSERS.whole !== null && BROWSERS.shell !== null;

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

/** One browser for the tests of a file; each page is a visitor of its own, who leaves after the test. */
export function useBrowser(kind: keyof typeof BROWSERS = 'shell'): {
  open(options?: BrowserContextOptions): Promise<Screen>;
} {
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    const executablePath = BROWSERS[kind];
    if (executablePath === null) return;
    // Root and most containers cannot set up its sandbox. The pages are our own, also those of names below .test.
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--host-resolver-rules=MAP *.test 127.0.0.1'],
    });
  });
  // An open page asks the server again and again.
  afterEach(async () => void (await Promise.all(contexts.splice(0).map((context) => context.close()))));
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
      contexts.push(context);
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
/** The two schemes differ in colours only, so that rules about anything else are not asked twice. */
const RULES = {
  light: '{ resultTypes: ["violations"] }',
  dark: '{ resultTypes: ["violations"], runOnly: ["color-contrast", "link-in-text-block"] }',
};

/** Screens that axe has seen: a file's screens are the same on each database. */
const checked = new Set<string>();

/** No serious or critical finding of axe in light and dark; CONSOLE_PICTURES keeps a picture of each in a folder. */
export async function expectAccessible({ page, faults }: Screen, name: string): Promise<void> {
  for (const scheme of checked.has(name) ? [] : (['light', 'dark'] as const)) {
    await page.evaluate(`document.documentElement.setAttribute('data-mantine-color-scheme', '${scheme}')`);
    await page.evaluate('Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => 0)))');
    const folder = process.env.CONSOLE_PICTURES;
    if (folder) {
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}-${scheme}.png`) });
    }
    if (scheme === 'light') await page.evaluate(axe.source);
    const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(document, ${RULES[scheme]})`);
    const serious = violations
      .filter(({ impact }) => impact && SERIOUS.includes(impact))
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
    expect(serious, `${name}, ${scheme}`).toEqual([]);
  }
  checked.add(name);
  expect(faults, name).toEqual([]);
}
