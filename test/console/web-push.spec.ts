import type { CDPSession, Page, Worker } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { PushSite } from '../harness/push-site.js';
import { EMBEDDED } from '../e2e/stages.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { HAS_BROWSER, useBrowser } from './browser.js';

const APPLICATION = '/imfpush/v1/apps/com.example.app';

interface Shown {
  title: string;
  body: string;
  tag: string;
  data: { carillon: { nid: string } };
}

/** A page and a worker of another site with Carillon's script, in a real browser (simulated: see push-site.ts). */
describe.runIf(HAS_BROWSER)('the script for Web Push', () => {
  const browser = useBrowser('whole');
  let simulators: RunningSimulators;
  beforeAll(async () => void (simulators = await startSimulators()));
  afterAll(() => simulators?.stop());
  const program = runProgram(EMBEDDED, {
    environment: () => ({ WEB_PUSH_ALLOW_PRIVATE: 'true', PROVIDER_CA_FILE: simulators.caPath ?? '' }),
  });
  let publicKey: string;
  let site: PushSite;

  beforeAll(async () => {
    publicKey = await newKeys();
    await program.api.app('POST', '/tags', { name: 'news' });
  });
  beforeEach(async () => {
    site = new PushSite(`${program.carillon.url}/sdk/carillon-web-push.js`, program.api, subscribe);
    site.publicKey = publicKey;
    await site.start();
    return () => site.stop();
  });

  it('registers a browser by one click, shows a message, follows its link, and sends receipts', async () => {
    await program.api.app('PUT', '/status', { enabled: true, receipts: true, allowedOrigins: [site.url] });
    site.files.set('/', ['text/html', site.page(`receipts: '${program.carillon.url}${APPLICATION}'`)]);
    const { page, faults } = await visit();
    const deviceId = await subscribeIn(page);
    const device = await program.api.app('GET', `/devices/${deviceId}`);
    expect(device.body).toMatchObject({ platform: 'WEB_CHROME', userId: 'ann' });

    const message = { alert: 'Blue', url: '/offers?x=1' };
    const settings = { chromeWeb: { title: 'New shoes' } };
    const messageId = await program.api.send({ message, settings, target: { tagNames: ['news'] } });
    await program.api.waitFor(messageId);
    const { endpoint } = JSON.parse(device.body.token as string) as { endpoint: string };
    const stored = await simulators.admin.storedMessages(endpoint);
    expect(stored.map((each) => each.messageId)).toEqual([messageId]);

    const worker = workerOf(page);
    await deliver(page, JSON.stringify(stored[0]!.body));
    await expect.poll(() => shown(worker)).toMatchObject([{ title: 'New shoes', body: 'Blue', tag: messageId }]);
    const [notification] = await shown(worker);
    // The receipt comes after the window, which the click allows for a moment only.
    const opened = ['open', `${site.url}/offers?x=1`];
    expect(await click(worker)).toEqual([opened, ['tell', 'opened']]);
    expect(await shown(worker)).toEqual([]);
    const again = (): Promise<void> =>
      worker.evaluate(`registration.showNotification('again', ${JSON.stringify({ data: notification!.data })})`);
    await again();
    expect(await click(worker, { action: 'buy' })).toEqual([opened, ['tell', 'buy']]);
    await again();
    await worker.evaluate(`(${HAPPEN})('notificationclose', '')`);
    const receipts = async () => (await program.api.app('GET', `/messages/${messageId}`)).body.receipts;
    await expect.poll(receipts).toEqual({ displayed: 1, opened: 1, dismissed: 1, actions: { buy: 1 } });
    expect(faults).toEqual([]);
  });

  it('the page and the handler of the guide register a browser with its tags, as they are written', async () => {
    site.files.set('/', ['text/html', site.guidePage()]);
    const { page, faults } = await visit();
    await page.click('#notify');
    await expect.poll(() => site.told.map(({ method }) => method)).toEqual(['POST']);
    const listed = () => program.api.app('GET', `/subscriptions?deviceId=${site.told[0]!.deviceId}`);
    await expect.poll(async () => JSON.stringify((await listed()).body)).toContain('news');
    expect(await page.evaluate('push.status()')).toBe('subscribed');
    await page.evaluate('push.unsubscribe()');
    expect((await program.api.app('GET', `/devices/${site.told[0]!.deviceId}`)).status).toBe(404);
    expect(faults).toEqual([]);
  });

  it('keeps one device when the subscription changes, also if the backend is away meanwhile', async () => {
    const { page } = await visit();
    const deviceId = await subscribeIn(page);
    const worker = workerOf(page);
    // The event may have both subscriptions, or none.
    await site.dropSubscription(true);
    await changed(worker);
    await site.dropSubscription(false);
    await changed(worker);
    site.backendStatus = 503;
    await site.dropSubscription(true);
    for (let each = 0; each < 3; each++) await changed(worker);
    const failed = site.told.length;
    site.backendStatus = 204;
    await deliver(page, '{"nid":"x","alert":"hi"}');
    await expect.poll(() => site.told.length).toBe(failed + 1);
    expect(new Set(site.told.map((each) => each.deviceId))).toEqual(new Set([deviceId]));
    expect(new Set(site.told.map(({ token }) => token)).size).toBe(4);
    const subscriptions = await program.api.app('GET', `/subscriptions?deviceId=${deviceId}`);
    expect(JSON.stringify(subscriptions.body)).toContain('news');
  });

  it('subscribes anew when the application has another key, at the load after a failure too', async () => {
    const { page } = await visit();
    const deviceId = await subscribeIn(page);
    site.publicKey = await newKeys();
    site.backendStatus = 503;
    await page.reload();
    await expect.poll(() => site.told.length).toBe(2);
    site.backendStatus = 204;
    await page.reload();
    await expect.poll(() => site.told.length).toBe(3);
    expect(site.told.map((each) => each.deviceId)).toEqual([deviceId, deviceId, deviceId]);
    expect(site.told[2]!.token).not.toBe(site.told[0]!.token);
    const taken = `caches.match('/carillon-web-push').then((kept) => kept.json()).then(({ registered }) => registered)`;
    await expect.poll(() => page.evaluate(taken)).toEqual(expect.any(String));
    await page.reload();
    // A settled browser is not registered at each load.
    await expect.poll(() => page.evaluate('push.status()')).toBe('subscribed');
    expect(site.told).toHaveLength(3);
    publicKey = site.publicKey;
  });

  it('forgets the browser', async () => {
    const { page } = await visit();
    const deviceId = await subscribeIn(page);
    await page.evaluate('push.unsubscribe()');
    expect(site.told.at(-1)).toMatchObject({ method: 'DELETE', deviceId });
    expect((await program.api.app('GET', `/devices/${deviceId}`)).status).toBe(404);
    expect(await page.evaluate('push.status()')).toBe('unsubscribed');
    await page.reload();
    expect(site.told).toHaveLength(2);
  });

  it('asks for the permission while the click lasts, however slow the key is', async () => {
    site.keyDelay = 500;
    const { page } = await visit();
    await page.evaluate(`
      const ask = Notification.requestPermission.bind(Notification);
      const button = document.querySelector('button');
      const { onclick } = button;
      Notification.requestPermission = () => ((window.during = window.inClick), ask());
      button.onclick = () => { window.inClick = true; onclick(); window.inClick = false; };`);
    await subscribeIn(page);
    expect(await page.evaluate('window.during')).toBe(true);
  });

  it.each([
    ['is missing', '', 'bad HTTP response code (404)'],
    ['is no script', '<p>', 'MIME type'],
    ['throws', 'throw new Error("x")', 'worker'],
  ])('names the fault if the worker %s', async (_, content, says) => {
    site.files.delete('/carillon-worker.js');
    if (content) site.files.set('/carillon-worker.js', [content === '<p>' ? 'text/html' : 'text/javascript', content]);
    const { page } = await visit();
    await page.getByRole('button').click();
    await page.getByText(/^worker: /).waitFor({ timeout: 6_000 });
    expect(await page.locator('output').innerText()).toContain(says);
  });

  it('leaves a worker of the site alone', async () => {
    site.files.set('/own.js', ['text/javascript', '// the site’s own']);
    const { page } = await visit();
    await page.evaluate(`navigator.serviceWorker.register('/own.js').then(() => navigator.serviceWorker.ready)`);
    await page.getByRole('button').click();
    await page.getByText(/^worker: .*own\.js has the scope/).waitFor();
    const scripts = `navigator.serviceWorker.getRegistrations().then((all) => all.map(({ active }) => active.scriptURL))`;
    expect(await page.evaluate(scripts)).toEqual([`${site.url}/own.js`]);
  });

  it('says that it needs a wider scope', async () => {
    site.files.set('/', ['text/html', site.page(`worker: '/js/worker.js', scope: '/'`)]);
    site.files.set('/js/worker.js', ['text/javascript', site.workerScript()]);
    const { page } = await visit();
    await page.getByRole('button').click();
    expect(await page.getByText(/^worker: /).innerText()).toMatch(/max scope/i);
  });

  it.each([
    ['Notification', 'delete globalThis.Notification', 'home screen'],
    ['PushManager', 'delete globalThis.PushManager', 'home screen'],
    ['serviceWorker', 'delete Navigator.prototype.serviceWorker', 'no service workers'],
  ])('loads without %s and says why it is not supported', async (_, without, reason) => {
    site.files.set('/', ['text/html', site.page().replace('<script src="/stub.js"></script>', '')]);
    const { page, faults } = await browser.open();
    await page.addInitScript(without);
    await page.goto(site.url);
    expect(await page.evaluate('[push.supported, push.reason]')).toEqual([false, expect.stringContaining(reason)]);
    await page.getByRole('button').click();
    await page.getByText(/^unsupported: /).waitFor();
    expect(faults).toEqual([]);
  });

  it('says that the person does not allow it', async () => {
    const { page } = await browser.open();
    await page.goto(site.url);
    await page.getByRole('button').click();
    await page.getByText(/^permission: /).waitFor();
    expect(site.told).toEqual([]);
  });

  it.each([
    ['the tab that shows the address', '/', '/', [['focus', '/']]],
    [
      'a tab of the site',
      '/',
      '/offers',
      [
        ['focus', '/'],
        ['navigate', '/offers'],
      ],
    ],
    ['a new tab if the browser allows no focus', 'refused', '/', [['open', '/']]],
    ['the start of the site for a script', '/offers', 'javascript:alert(1)', [['focus', '/']]],
    ['the start of the site for data', '/offers', 'data:text/html,x', [['focus', '/']]],
    ['the start of the site for an address with a user', '/offers', 'https://bank.test@evil.test/', [['focus', '/']]],
    ['a new tab for another site', '/', 'https://other.test/x', [['open', 'https://other.test/x']]],
  ])('a click leads to %s', async (_, mode, url, done) => {
    const { page } = await visit();
    await subscribeIn(page);
    await page.reload();
    const worker = workerOf(page);
    await deliver(page, JSON.stringify({ nid: 'm', alert: 'hi', url }));
    await expect.poll(() => shown(worker)).toHaveLength(1);
    const acts = await click(worker, { isRefused: mode === 'refused' });
    const absolute = (address: string): string => new URL(address, site.url).href;
    expect(acts).toEqual(done.map(([act, address]) => [act, absolute(address!)]));
  });

  it('is found again by browsers at each use, and may be used by other sites', async () => {
    const address = `${program.carillon.url}/sdk/carillon-web-push.js`;
    const script = await fetch(address);
    expect(Object.fromEntries(script.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'content-encoding': 'gzip',
    });
    const headers = { 'if-none-match': script.headers.get('etag')! };
    expect((await fetch(address, { headers })).status).toBe(304);
  });

  async function newKeys(): Promise<string> {
    await program.api.app('DELETE', '/settings/webPushConf');
    const made = await program.api.app<{ publicKey: string }>('PUT', '/settings/webPushConf', {
      subject: 'mailto:a@example.com',
    });
    return made.body.publicKey;
  }

  async function subscribe(key: string): Promise<{ endpoint: string }> {
    return (await simulators.admin.createSubscriptions('google', 1, key))[0]!;
  }

  /** A visitor that has allowed notifications. */
  async function visit(): Promise<{ page: Page; faults: string[] }> {
    const screen = await browser.open({ permissions: ['notifications'] });
    await screen.page.goto(site.url);
    return screen;
  }

  /** The device id. */
  async function subscribeIn(page: Page): Promise<string> {
    await page.getByRole('button').click();
    const device = page.getByText(/^device /);
    await device.waitFor();
    return (await device.innerText()).slice('device '.length);
  }

  /** A push of the browser's vendor. */
  async function deliver(page: Page, data: string): Promise<void> {
    const session: CDPSession = await page.context().newCDPSession(page);
    const registered = new Promise<string>((resolve) =>
      session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const own = registrations.find(({ scopeURL, isDeleted }) => scopeURL === `${site.url}/` && !isDeleted);
        if (own) resolve(own.registrationId);
      }),
    );
    await session.send('ServiceWorker.enable');
    const to = { origin: site.url, registrationId: await registered };
    await session.send('ServiceWorker.deliverPushMessage', { ...to, data });
    await session.detach();
  }
});

function workerOf(page: Page): Worker {
  return page.context().serviceWorkers()[0]!;
}

function shown(worker: Worker): Promise<Shown[]> {
  return worker.evaluate(`registration.getNotifications().then((all) =>
    all.map(({ title, body, tag, data }) => ({ title, body, tag, data })))`);
}

/** Waits for the work of an event that says nothing. */
async function changed(worker: Worker): Promise<void> {
  await worker.evaluate(`new Promise((resolve) => {
    const event = new ExtendableEvent('pushsubscriptionchange');
    Object.assign(event, { waitUntil: (work) => work.then(resolve) });
    dispatchEvent(event);
  })`);
}

/** Dispatches an event of the notification, and waits for its work. */
const HAPPEN = `async (type, action) => {
  const [notification] = await registration.getNotifications();
  const event = new NotificationEvent(type, { notification, action });
  await new Promise((resolve) => {
    Object.assign(event, { waitUntil: (work) => work.then(resolve) });
    dispatchEvent(event);
  });
}`;

/** Clicks on the notification. Notes the worker's requests, because the browser grants them to real clicks only. */
function click(worker: Worker, { isRefused = false, action = '' } = {}): Promise<[string, string][]> {
  return worker.evaluate(`(async () => {
    const acts = [];
    const note = (act, url) => (acts.push([act, new URL(url, location.href).href]), Promise.resolve());
    Object.defineProperty(clients, 'openWindow', { configurable: true, value: (url) => note('open', url) });
    WindowClient.prototype.focus = function () { return ${isRefused} ? Promise.reject(new Error('no')) : note('focus', this.url); };
    WindowClient.prototype.navigate = function (url) { return note('navigate', url); };
    const ask = (self.ask ??= fetch);
    self.fetch = (url, asked) => {
      if (url.endsWith('/receipts')) {
        const { kind, action } = JSON.parse(asked.body);
        acts.push(['tell', action ?? kind]);
      }
      return ask(url, asked);
    };
    await (${HAPPEN})('notificationclick', '${action}');
    return acts;
  })()`);
}
