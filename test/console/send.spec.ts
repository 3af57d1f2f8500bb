import type { Locator, Page, Route } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { STAGES } from '../e2e/stages.js';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { expectAccessible, HAS_BROWSER, signIn, useBrowser } from './browser.js';

/** Send, in a browser, against the built program. */

const APP = 'com.example.app';
const SEND = `apps/${APP}/send`;
const MESSAGES = `**/imfpush/v1/apps/${APP}/messages`;
const MANY = 1_100;

describe.runIf(HAS_BROWSER).each(STAGES)('send, on $name', (stage) => {
  const browser = useBrowser();
  const program = runProgram(stage);

  beforeAll(async () => {
    await program.api.app('POST', '/tags', { name: 'few' });
    for (const deviceId of ['few-1', 'few-2', 'few-3']) {
      await program.api.app('POST', '/devices', { deviceId, platform: 'A', token: `sandbox:accepted:${deviceId}` });
      await program.api.app('POST', '/subscriptions', { deviceId, tagName: 'few' });
    }
  });

  const open = async (options?: Parameters<typeof browser.open>[0], path = SEND) => {
    const screen = await browser.open(options);
    await signIn(screen.page, program.carillon.url, path);
    await screen.page.getByRole('heading', { name: 'Send', level: 1 }).waitFor();
    return screen;
  };
  /** The alerts of the accepted messages, the newest first. */
  const accepted = async (): Promise<string[]> => {
    const { body } = await program.api.app<{ messages: { alert: string }[] }>('GET', '/messages?size=100');
    return body.messages.map(({ alert }) => alert);
  };
  const countOf = async (alert: string): Promise<number> => (await accepted()).filter((each) => each === alert).length;

  async function write(page: Page, text: string): Promise<void> {
    await page.getByRole('textbox', { name: 'Text', exact: true }).fill(text);
  }

  async function chooseTag(page: Page, tag = 'few'): Promise<void> {
    await page.getByRole('radio', { name: 'Tags' }).check();
    await page.getByRole('combobox', { name: 'Tags' }).fill(tag);
    await page.getByRole('combobox', { name: 'Tags' }).press('Enter');
  }

  async function toPlan(page: Page): Promise<void> {
    await page.getByRole('button', { name: 'See the plan' }).click();
    await page.getByRole('heading', { name: 'The plan' }).waitFor();
  }

  /** Writes a text to the tag of three devices and sends it; the server accepts it, and its answer is cut. */
  async function sendWithLostAnswer(page: Page, text: string): Promise<void> {
    await write(page, text);
    await chooseTag(page);
    await toPlan(page);
    await page.getByRole('button', { name: 'Send to 3 devices' }).waitFor();
    await cutAnswers(page);
    await page.getByRole('button', { name: 'Send to 3 devices' }).click();
    await page.getByText('The answer did not come').waitFor();
  }

  it('shows the audience, the previews and the plan, and sends what was typed', async () => {
    const screen = await open();
    const { page } = screen;
    const text = 'Hello <img src=x onerror="alert(1)">';
    await expectAccessible(screen, 'send-empty');
    await write(page, text);
    await page.getByLabel('Title', { exact: true }).fill('News');
    await page.getByLabel('Picture').fill('https://example.com/p.png');
    await page.getByLabel('Link').fill('javascript:alert(1)');
    await chooseTag(page);
    await settled(page, '3 devices now');
    await page.getByRole('region', { name: 'Preview: Android' }).getByText(text, { exact: true }).waitFor();
    expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
    await expectAccessible(screen, 'send');
    await toPlan(page);
    await page.getByRole('button', { name: 'Send to 3 devices' }).waitFor();
    await expectAccessible(screen, 'send-plan');
    await page.getByRole('button', { name: 'Send to 3 devices' }).click();
    const link = page.getByRole('link', { name: /^Watch the message/ });
    await link.waitFor();
    const id = (await link.getAttribute('href'))?.split('/').at(-1) ?? '';
    const { body } = await program.api.app('GET', `/messages/${id}`);
    expect(body).toMatchObject({ alert: text, audience: 3 });
    expect(screen.faults).toEqual([]);
    await page.getByRole('button', { name: 'Write another one' }).click();
    expect(await page.getByRole('textbox', { name: 'Text', exact: true }).inputValue()).toBe('');
  });

  it('by keyboard only', async () => {
    const { page } = await open();
    const tabTo = async (locator: Locator): Promise<void> => {
      for (let presses = 0; presses < 80; presses += 1) {
        if (await locator.and(page.locator(':focus')).count()) return;
        await page.keyboard.press('Tab');
      }
      throw new Error('the focus does not come there');
    };
    await tabTo(page.getByRole('textbox', { name: 'Text', exact: true }));
    await page.keyboard.type('By keyboard');
    await tabTo(page.getByRole('radio', { name: 'Everybody' }));
    await page.keyboard.press('ArrowRight');
    await tabTo(page.getByRole('combobox', { name: 'Tags' }));
    await page.keyboard.type('few');
    await page.keyboard.press('Enter');
    await settled(page, '3 devices now');
    await tabTo(page.getByRole('button', { name: 'See the plan' }));
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Send to 3 devices' }).waitFor();
    await tabTo(page.getByRole('button', { name: 'Send to 3 devices' }));
    await page.keyboard.press('Enter');
    const link = page.getByRole('link', { name: /^Watch the message/ });
    await link.waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/messages\/[^/]+$/);
    expect(await countOf('By keyboard')).toBe(1);
  });

  it('sends once for a double click and an Enter while the answer is slow', async () => {
    const { page } = await open();
    await write(page, 'Double');
    await chooseTag(page);
    await toPlan(page);
    await page.route(MESSAGES, async (route) => {
      const answer = await route.fetch();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await route.fulfill({ response: answer });
    });
    const button = page.getByRole('button', { name: 'Send to 3 devices' });
    await button.dblclick({ noWaitAfter: true });
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('It is being sent').waitFor();
    await page.getByRole('link', { name: /^Watch the message/ }).waitFor();
    expect(await countOf('Double')).toBe(1);
  });

  it('repeats a press whose answer was lost without sending twice, also after a reload', async () => {
    const { page } = await open();
    await sendWithLostAnswer(page, 'Lost');
    expect(await countOf('Lost')).toBe(1);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('The answer did not come').waitFor();
    await page.unroute(MESSAGES);
    await page.reload();
    expect(await page.getByRole('textbox', { name: 'Text', exact: true }).inputValue()).toBe('Lost');
    await toPlan(page);
    await page.getByRole('button', { name: 'Send to 3 devices' }).click();
    await page.getByRole('link', { name: /^Watch the message/ }).waitFor();
    expect(await countOf('Lost')).toBe(1);
  });

  it('says that the first was sent, and asks, if the text is changed after a lost answer', async () => {
    const screen = await open();
    const { page } = screen;
    await sendWithLostAnswer(page, 'First');
    await page.unroute(MESSAGES);
    await page.getByRole('button', { name: 'Back to the message' }).click();
    await write(page, 'Second');
    await toPlan(page);
    await page.getByRole('button', { name: 'Send to 3 devices' }).click();
    await page.getByText('The message was sent before you changed it').waitFor();
    await expectAccessible(screen, 'send-before');
    expect([await countOf('First'), await countOf('Second')]).toEqual([1, 0]);
    const href = await page.getByRole('link', { name: 'See the first one' }).getAttribute('href');
    const { body } = await program.api.app('GET', `/messages/${href?.split('/').at(-1)}`);
    expect(body).toMatchObject({ alert: 'First' });
    await page.getByRole('button', { name: 'Send the changed one as well' }).click();
    await page.getByRole('link', { name: /^Watch the message/ }).waitFor();
    expect([await countOf('First'), await countOf('Second')]).toEqual([1, 1]);
  });

  it('never shows the count of an older audience', async () => {
    const { page } = await open();
    await page.route('**/audience:count', async (route: Route) => {
      const isEverybody = !(route.request().postData() ?? '').includes('target');
      const answer = await route.fetch();
      if (isEverybody) await new Promise((resolve) => setTimeout(resolve, 3_000));
      await route.fulfill({ response: answer }).catch(() => undefined);
    });
    await page.reload();
    await page.getByRole('heading', { name: 'Send', level: 1 }).waitFor();
    await write(page, 'Older');
    await chooseTag(page);
    await settled(page, '3 devices now');
    // Longer than the late answer for everybody.
    const until = performance.now() + 4_000;
    while (performance.now() < until)
      expect(
        await page
          .locator('[data-settled]')
          .getByText(/devices now/)
          .allTextContents(),
      ).toContain('3 devices now');
    await toPlan(page);
    await page.getByRole('button', { name: 'Send to 3 devices' }).click();
    await page.getByRole('link', { name: /^Watch the message/ }).waitFor();
  });

  it('keeps the draft when the session ends, for the same client only', async () => {
    const { page } = await open();
    await write(page, 'Kept');
    await page.getByLabel('Picture').fill('https://example.com/kept.png');
    await chooseTag(page);
    await toPlan(page);
    const button = page.getByRole('button', { name: 'Send to 3 devices' });
    // The press is the first request without a session: the plan has been answered.
    await button.waitFor();
    await page.context().clearCookies();
    await button.click();
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.getByRole('button', { name: 'Sign in as test' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: /Send to|Try again/ }).click();
    await page.getByRole('link', { name: /^Watch the message/ }).waitFor();
    expect(await countOf('Kept')).toBe(1);

    await page.getByRole('button', { name: 'Write another one' }).click();
    await write(page, 'Secret of test');
    const secret = await new Admin(program.carillon.url).addClient('other', '*');
    await page.context().clearCookies();
    await page.getByRole('textbox', { name: 'Title', exact: true }).fill('x');
    await page.reload();
    await enter(page, 'other', secret);
    await page.getByRole('heading', { name: 'Send', level: 1 }).waitFor();
    expect(await page.getByRole('textbox', { name: 'Text', exact: true }).inputValue()).toBe('');
    expect(await page.content()).not.toContain('Secret of test');
  });

  it('says before a send that the message will wait for approval', async () => {
    await program.api.app('PUT', '/status', { enabled: true, approval: { above: 2 } });
    const { page } = await open();
    await write(page, 'To be approved');
    await chooseTag(page);
    await toPlan(page);
    await page.getByText('The application asks for approval above 2 devices').waitFor();
    await page.getByRole('button', { name: 'Send to 3 devices' }).click();
    const link = page.getByRole('link', { name: /^Watch the message/ });
    const id = (await link.getAttribute('href'))?.split('/').at(-1) ?? '';
    expect((await program.api.app('GET', `/messages/${id}`)).body).toMatchObject({ state: 'awaitingApproval' });
    await program.api.app('PUT', '/status', { enabled: true, approval: null });
  });

  it('sends to the viewer’s own devices first, and remembers them', async () => {
    const { page } = await open();
    await write(page, 'Mine first');
    await page.getByRole('combobox', { name: 'My devices' }).fill('few-1');
    await page.getByRole('combobox', { name: 'My devices' }).press('Enter');
    await page.getByRole('button', { name: 'Send to my devices first' }).click();
    await page.getByText('Sent to your devices.').waitFor();
    const { body } = await program.api.app<{ messages: { alert: string; messageId: string }[] }>(
      'GET',
      '/messages?size=10',
    );
    const id = body.messages.find(({ alert }) => alert === 'Mine first')?.messageId ?? '';
    expect((await program.api.app('GET', `/messages/${id}`)).body).toMatchObject({ audience: 1, label: 'test' });
    await page.reload();
    await page.getByRole('button', { name: 'Send to my devices first' }).waitFor();
    await page.locator('#main').getByText('few-1').waitFor();
  });

  it('says when the message will be finished, and what decides that', async () => {
    await program.api.app('POST', '/tags', { name: 'busy' });
    await program.api.app('POST', '/devices', {
      deviceId: 'busy',
      platform: 'A',
      token: 'sandbox:throttled-forever:b',
    });
    const screen = await open();
    const { page } = screen;
    await write(page, 'When is the end');
    await chooseTag(page);
    await toPlan(page);
    const end = page.locator('[data-estimate]');
    await end.getByText(/^Finished by estimate: .*sandbox takes about [\d,]+ a second$/).waitFor();
    await page.getByRole('button', { name: 'Back to the message' }).click();
    await page.getByRole('button', { name: 'Time and label' }).click();
    await page.getByLabel('Send at').fill('2027-03-28T02:30');
    await page
      .getByText('A clock change skips this time in Europe/Berlin: sent at 28 Mar 2027, 03:30:00 CEST.')
      .waitFor();
    await page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
    await expectAccessible(screen, 'send-gap');
    await page.getByLabel('Send at').fill('2027-10-31T02:30');
    const fold = 'This time comes twice in Europe/Berlin: sent the first time, 31 Oct 2027, 02:30:00 CEST.';
    await page.getByText(fold).waitFor();
    await toPlan(page);
    await page.getByText(fold).waitFor();
    await end.getByText(/^Finished by estimate: 31 Oct 2027, 02:30:00 CEST · its time of sending decides$/).waitFor();
    await expectAccessible(screen, 'send-end');
    await page.getByRole('button', { name: 'Send to 3 devices' }).click();
    const link = page.getByRole('link', { name: /^Watch the message/ });
    const id = (await link.getAttribute('href'))?.split('/').at(-1) ?? '';
    const { body } = await program.api.app('GET', `/messages/${id}`);
    expect(body).toMatchObject({ state: 'scheduled', sendTime: '2027-10-31T00:30:00.000Z' });
  });

  it('shows the message as a chosen device gets it, in its language and with its values', async () => {
    await program.api.app('POST', '/devices', {
      deviceId: 'hans',
      platform: 'A',
      token: 'sandbox:accepted:hans',
      language: 'de',
      attributes: { name: 'Hans' },
    });
    const { page } = await open();
    await write(page, 'Hello {{name}}, {{language}}');
    await page
      .getByRole('region', { name: 'Preview: Android' })
      .getByText('Hello {{name}}, {{language}}', { exact: true })
      .waitFor();
    await page.getByRole('combobox', { name: 'Device of the preview' }).fill('hans');
    await page.keyboard.press('Enter');
    const apple = page.getByRole('region', { name: 'Preview: iPhone and iPad' });
    await apple.getByText('Hello Hans, de', { exact: true }).waitFor();
    expect(await page.getByRole('region', { name: 'Preview: Android' }).count()).toBe(0);
  });

  it('saves the audience under a name, and says when the name is taken', async () => {
    const screen = await open();
    const { page } = screen;
    await chooseTag(page);
    await settled(page, '3 devices now');
    await page.getByRole('button', { name: 'Save this audience …' }).click();
    const dialog = page.getByRole('dialog', { name: 'Save this audience' });
    await dialog.getByLabel('Name').fill('few of them');
    await expectAccessible(screen, 'send-save-audience');
    await page.keyboard.press('Enter');
    await page.getByText('Saved as few of them.').waitFor();
    expect((await program.api.app('GET', '/audiences/few%20of%20them')).body).toMatchObject({
      target: { tagNames: ['few'] },
    });
    await page.getByRole('button', { name: 'Save this audience …' }).click();
    await dialog.getByLabel('Name').fill('few of them');
    await page.keyboard.press('Enter');
    await dialog.getByText('The audience exists already').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('radio', { name: 'A saved audience' }).check();
    await page.getByRole('combobox', { name: 'A saved audience' }).click();
    await page.getByRole('option', { name: 'few of them' }).click();
    await settled(page, '3 devices now');
  });

  it('sends once after back and forward, and the same draft in two tabs sends once', async () => {
    const { page } = await open();
    await sendWithLostAnswer(page, 'Back and forward');
    await page.unroute(MESSAGES);
    // Another tab that was opened from this one has its storage.
    const copied = await page.evaluate<Record<string, string>>('({ ...sessionStorage })');
    const second = await page.context().newPage();
    await second.addInitScript(
      `if (location.pathname.includes('/send')) Object.assign(sessionStorage, ${JSON.stringify(copied)})`,
    );
    await page.getByRole('link', { name: 'Messages', exact: true }).click();
    await page.getByRole('table', { name: 'Messages' }).waitFor();
    await page.goBack();
    await page.goForward();
    await page.goBack();
    expect(await page.getByRole('textbox', { name: 'Text', exact: true }).inputValue()).toBe('Back and forward');
    await toPlan(page);
    await page.getByRole('button', { name: 'Send to 3 devices' }).click();
    await page.getByRole('link', { name: /^Watch the message/ }).waitFor();
    await second.goto(`${program.carillon.url}/console/${SEND}`);
    await toPlan(second);
    await second.getByRole('button', { name: 'Send to 3 devices' }).click();
    await second.getByRole('link', { name: /^Watch the message/ }).waitFor();
    expect(await countOf('Back and forward')).toBe(1);
    // The next message is another one.
    await second.getByRole('button', { name: 'Write another one' }).click();
    await write(second, 'The next one');
    await chooseTag(second);
    await toPlan(second);
    await second.getByRole('button', { name: 'Send to 3 devices' }).click();
    await second.getByRole('link', { name: /^Watch the message/ }).waitFor();
    expect(await countOf('The next one')).toBe(1);
  });

  it('keeps the count of the chosen audience, in the other order and after a switch of the application', async () => {
    await program.api.call('POST', '/apps', { applicationId: 'com.example.other' });
    const { page } = await open();
    const late: (() => Promise<void>)[] = [];
    await page.route('**/audience:count', async (route: Route) => {
      const isFew = (route.request().postData() ?? '').includes('few');
      const answer = await route.fetch();
      const fulfil = () => route.fulfill({ response: answer }).catch(() => undefined);
      if (isFew) late.push(fulfil);
      else await fulfil();
    });
    await page.reload();
    await write(page, 'Other order');
    await chooseTag(page);
    await expect.poll(() => late.length).toBe(1);
    await page.getByText('Counting …').waitFor();
    await page.getByRole('radio', { name: 'Everybody' }).check();
    const everybody = page
      .locator('[data-settled]')
      .getByRole('paragraph')
      .getByText(/devices now/);
    const shown = (await everybody.textContent()) ?? '';
    expect(shown).not.toBe('3 devices now');
    await late.shift()?.();
    await toPlan(page);
    await page.getByRole('button', { name: `Send to ${shown.replace(' now', '')}` }).waitFor();
    await page.getByRole('button', { name: 'Back to the message' }).click();
    await settled(page, shown);

    await page.getByRole('radio', { name: 'Tags' }).check();
    await page.getByRole('combobox', { name: 'Tags' }).press('Backspace');
    await chooseTag(page);
    await expect.poll(() => late.length).toBe(1);
    await page.goto(`${program.carillon.url}/console/apps/com.example.other/send`);
    await Promise.all(late.map((each) => each()));
    await settled(page, '0 devices now');
  });

  it('takes a number that is typed as the viewer’s language writes it', async () => {
    const devices = Array.from({ length: MANY }, (_, n) => ({
      deviceId: `many-${n}`,
      platform: 'G',
      token: `sandbox:accepted:many-${n}`,
      attributes: { group: 'many' },
    }));
    const lines = devices.map((device) => JSON.stringify(device)).join('\n');
    await program.api.raw('POST', '/devices:import', lines, { 'content-type': 'application/x-ndjson' });
    const screen = await browser.open({ locale: 'de-DE' });
    const { page } = screen;
    await page.goto(`${program.carillon.url}/console/${SEND}`);
    await page.getByRole('button', { name: 'Als test anmelden' }).click();
    await page.getByRole('textbox', { name: 'Text', exact: true }).fill('Viele');
    await page.getByRole('button', { name: 'Bedingung hinzufügen' }).click();
    await page.getByRole('textbox', { name: 'Merkmal' }).fill('group');
    await page.getByRole('textbox', { name: 'Wert' }).fill('many');
    await settled(page, 'Jetzt 1.100 Geräte');
    await page.getByRole('button', { name: 'Den Plan ansehen' }).click();
    const button = page.getByRole('button', { name: 'An 1.100 Geräte senden' });
    await button.waitFor();
    const typed = page.getByRole('textbox', { name: /^Geben Sie die Zahl/ });
    for (const [text, isTaken] of [
      ['', false],
      ['1.100,0', false],
      ['110', false],
      ['1 100', true],
      ['1100', true],
      ['1.100', true],
    ] as const) {
      await typed.fill(text);
      expect(await button.isEnabled(), text).toBe(isTaken);
    }
    await expectAccessible(screen, 'send-confirm');
    await button.click();
    await page.getByRole('link', { name: /^Die Nachricht/ }).waitFor();
    expect(await countOf('Viele')).toBe(1);
  });

  it('says in German why devices get nothing', async () => {
    const { page } = await browser.open({ locale: 'de-DE' });
    await page.goto(`${program.carillon.url}/console/${SEND}`);
    await page.getByRole('button', { name: 'Als test anmelden' }).click();
    await page.getByRole('textbox', { name: 'Text', exact: true }).fill('Hallo {{vorname}}');
    await chooseTag(page);
    await page.getByRole('button', { name: 'Den Plan ansehen' }).click();
    const reasons = page.getByText('ohne Nachricht');
    await reasons.waitFor();
    expect(await reasons.textContent()).toBe('3 Geräte ohne Nachricht: kein Wert für vorname');
  });

  it('says what fails, what is missing, and which scope a viewer lacks', async () => {
    const { page } = await open();
    await page.route('**/audience:count', (route) =>
      route.fulfill({ status: 503, json: { code: 'X', message: 'The database is away.' } }),
    );
    await page.getByRole('radio', { name: 'Users' }).check();
    await page.getByText('Name a user.').waitFor();
    expect(await page.getByRole('button', { name: 'See the plan' }).isDisabled()).toBe(true);
    await page.getByRole('radio', { name: 'Everybody' }).check();
    await page.getByRole('combobox', { name: 'Languages' }).fill('fi');
    await page.keyboard.press('Enter');
    await page.getByText('The database is away.').waitFor({ timeout: 20_000 });
    await page.unroute('**/audience:count');
    await page.getByRole('button', { name: 'Try again' }).click();
    await settled(page, '0 devices now');
    await write(page, 'Nobody');
    await toPlan(page);
    await page.getByText('Nobody would get it.').waitFor();
    expect(await page.getByRole('button', { name: 'Send to 0 devices' }).isDisabled()).toBe(true);

    const viewer = await browser.open();
    const secret = await new Admin(program.carillon.url).addClient('viewer', `*.read push.application.${APP}`);
    await viewer.page.goto(`${program.carillon.url}/console/${SEND}`);
    await enter(viewer.page, 'viewer', secret);
    await viewer.page.getByText('You can write and look, and not send').waitFor();
    const mine = viewer.page.getByRole('button', { name: 'Send to my devices first' });
    expect(await mine.getAttribute('aria-description')).toContain('messages.write');
    await expectAccessible(viewer, 'send-forbidden');
  });
});

/** Signs in on the page of the sign-in as this client. */
async function enter(page: Page, id: string, secret: string): Promise<void> {
  await page.getByLabel('Client id').fill(id);
  await page.keyboard.press('Tab');
  await page.keyboard.type(secret);
  await page.keyboard.press('Enter');
}

/** The count of the target that is on the screen. */
async function settled(page: Page, text: string): Promise<void> {
  await page.locator('[data-settled]').getByRole('paragraph').getByText(text, { exact: true }).waitFor();
}

/** Lets the server accept each message, and cuts its answer; the plan's dry runs pass. */
async function cutAnswers(page: Page): Promise<void> {
  await page.route(MESSAGES, async (route) => {
    if (!route.request().postData()?.includes('dryRun')) {
      await route.fetch();
      return route.abort('connectionreset');
    }
    return route.continue();
  });
}
