import { beforeAll, describe, expect, it } from 'vitest';
import { STAGES } from '../e2e/stages.js';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { expectAccessible, HAS_BROWSER, signIn, useBrowser } from './browser.js';

/** Devices, one device and a user, in a browser, against the built program. */

const APP = 'com.example.app';

describe.runIf(HAS_BROWSER).each(STAGES)('devices, on $name', (stage) => {
  const browser = useBrowser();
  const program = runProgram(stage);
  let toGone = '';
  let afterGone = '';

  beforeAll(async () => {
    const { api } = program;
    const register = (device: object) => api.app('POST', '/devices', device);
    await register({
      deviceId: 'phone <b>1</b>',
      platform: 'A',
      token: 'sandbox:accepted:phone-0001',
      userId: 'ann',
      language: 'de-CH',
      attributes: { tier: 'gold' },
    });
    await register({ deviceId: 'gone', platform: 'G', token: 'sandbox:gone:00000007', userId: 'zed' });
    await api.app('POST', '/tags', { name: 'news' });
    await api.app('POST', '/subscriptions', { deviceId: 'phone <b>1</b>', tagName: 'news' });
    toGone = await api.send({ message: { alert: 'To the dead one' }, target: { deviceIds: ['gone'] } });
    await api.waitFor(toGone);
    afterGone = await api.send({ message: { alert: 'To all' } });
    await api.waitFor(afterGone);
  });

  const open = async (path = `apps/${APP}/devices`) => {
    const screen = await browser.open();
    await signIn(screen.page, program.carillon.url, path);
    return screen;
  };

  it('finds a device by id, user, end of its token, attribute, language, platform and state, and by the address', async () => {
    const screen = await open();
    const { page } = screen;
    const table = page.getByRole('table', { name: 'Devices' });
    await table.getByText('gone', { exact: true }).waitFor();
    await expectAccessible(screen, 'devices');
    for (const [by, label, text, found] of [
      ['Device id', 'Beginning of the device id', 'phone', 'phone <b>1</b>'],
      ['User id', 'Beginning of the user id', 'ze', 'gone'],
      ['End of the token', 'Last eight characters', '00000007', 'gone'],
      ['Attribute', 'name:value', 'tier:gold', 'phone <b>1</b>'],
    ] as const) {
      await page.getByRole('button', { name: 'Reset' }).click();
      await page.waitForURL((url) => url.search === '');
      await page.getByRole('combobox', { name: 'Search by' }).click();
      await page.getByRole('option', { name: by }).click();
      await page.getByRole('textbox', { name: label }).fill(text);
      await page.keyboard.press('Enter');
      await page.getByRole('status').getByText('One device').waitFor();
      expect(await table.getByRole('row').nth(1).textContent(), by).toContain(found);
    }
    const { page: shared } = await open(`apps/${APP}/devices?state=retired&platform=G`);
    await shared.getByRole('status').getByText('One device').waitFor();
    await shared.getByRole('link', { name: 'gone' }).click();
    await shared.getByRole('heading', { name: 'gone', level: 1 }).waitFor();
    await shared.goBack();
    await shared.getByRole('status').getByText('One device').waitFor();
    expect(shared.url()).toContain('state=retired');
    await page.goto(`${program.carillon.url}/console/apps/${APP}/devices?text=nothing-has-this`);
    await page.getByRole('heading', { name: 'No device fits' }).waitFor();
    await page.goto(`${program.carillon.url}/console/apps/${APP}/devices?after=wrong`);
    await page.getByText('That page no longer exists').waitFor();
    await table.waitFor();
    expect(screen.faults).toEqual([]);
  });

  it('says why a retired device did and did not get a message', async () => {
    const screen = await open(`apps/${APP}/devices/gone`);
    const { page } = screen;
    await page.getByText('Retired: it gets nothing until it registers again').waitFor();
    await page.getByRole('table', { name: 'Messages' }).getByText('To the dead one').waitFor();
    await page.getByRole('textbox', { name: 'Id of the message' }).fill(toGone);
    await page.keyboard.press('Enter');
    await page.getByText('Rejected, after one try').waitFor();
    await page.getByText('The app was removed or its token was replaced.').waitFor();
    await page.getByText('The provider says that the token is dead.').waitFor();
    await page.getByRole('textbox', { name: 'Id of the message' }).fill(afterGone);
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText(/^The device is retired since/).waitFor();
    expect(page.url()).toContain(`message=${afterGone}`);
    await expectAccessible(screen, 'device');
    await page.getByRole('textbox', { name: 'Id of the message' }).fill('nothing');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('There is no such thing').waitFor();
    await page.goto(`${program.carillon.url}/console/apps/${APP}/devices/never`);
    await page.getByText('There is no such thing').waitFor();
  });

  it('shows a device with its tags, sends it a test once, and adds a sandbox device with one click', async () => {
    const screen = await open(`apps/${APP}/devices?text=phone`);
    const { page } = screen;
    await page.getByRole('link', { name: 'phone <b>1</b>' }).click();
    await page.getByRole('heading', { name: 'phone <b>1</b>', level: 1 }).waitFor();
    await page.getByText('news', { exact: true }).waitFor();
    await page.getByText('tier').waitFor();
    await page.getByRole('button', { name: 'Send a test' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Text' }).fill('Only you');
    await page.keyboard.press('Enter');
    await dialog.getByText('Sent to this device.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    const row = page.getByRole('table', { name: 'Messages' }).getByRole('row', { name: /Only you/ });
    await row.getByText('Accepted').waitFor();
    await page.getByRole('link', { name: 'Devices' }).click();
    await page.getByRole('button', { name: 'Add a sandbox device' }).click();
    await page.getByRole('heading', { name: /^sandbox-/, level: 1 }).waitFor();
    await page.getByRole('heading', { name: 'No message went to this device' }).waitFor();
    expect(screen.faults).toEqual([]);
  });

  it('shows, exports and erases a user', async () => {
    const screen = await open(`apps/${APP}/users/ann`);
    const { page } = screen;
    await page.getByRole('table', { name: 'Devices' }).getByText('phone <b>1</b>').waitFor();
    await page.getByRole('table', { name: 'Messages' }).getByText('To all').waitFor();
    await expectAccessible(screen, 'user');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('ann.json');
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    const data = JSON.parse(Buffer.concat(chunks).toString()) as { userId: string; devices: { deviceId: string }[] };
    expect([data.userId, data.devices[0]?.deviceId]).toEqual(['ann', 'phone <b>1</b>']);

    await page.getByRole('button', { name: 'Erase' }).click();
    const dialog = page.getByRole('dialog', { name: 'Erase a user' });
    const erase = dialog.getByRole('button', { name: 'Erase' });
    await dialog.getByRole('textbox').fill('an');
    expect(await erase.isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill('ann');
    await erase.click();
    await dialog.getByText('The devices are deleted').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('heading', { name: 'Nothing is kept about this user' }).waitFor();
    expect((await program.api.app('GET', `/devices/${encodeURIComponent('phone <b>1</b>')}`)).status).toBe(404);
  });

  it('is empty in a new application, and says what fails and which scope is missing', async () => {
    await program.api.call('POST', '/apps', { applicationId: 'com.example.new' });
    const { page } = await open('apps/com.example.new/devices');
    await page.getByRole('heading', { name: 'No device is registered yet' }).waitFor();
    await page.route('**/com.example.new/devices?*', (route) =>
      route.fulfill({ status: 500, json: { code: 'X', message: 'The server has failed.' } }),
    );
    await page.reload();
    await page.getByText('The server has failed.').waitFor();
    await page.unroute('**/com.example.new/devices?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'No device is registered yet' }).waitFor();

    const secret = await new Admin(program.carillon.url).addClient('support', `devices.read push.application.${APP}`);
    const support = await browser.open();
    await support.page.goto(`${program.carillon.url}/console/apps/${APP}/devices/gone`);
    await support.page.getByLabel('Client id').fill('support');
    await support.page.keyboard.press('Tab');
    await support.page.keyboard.type(secret);
    await support.page.keyboard.press('Enter');
    const test = support.page.getByRole('button', { name: 'Send a test' });
    await test.waitFor();
    expect(await test.getAttribute('aria-description')).toContain('messages.write');
    await support.page.getByText('messages.read').first().waitFor();
    await expectAccessible(support, 'device-forbidden');
    await support.page.goto(`${program.carillon.url}/console/apps/com.example.new/devices`);
    await support.page.getByText('Your scope does not cover this').waitFor();
  });
});
