import { beforeAll, describe, expect, it } from 'vitest';
import { EMBEDDED } from '../e2e/stages.js';
import { Admin } from '../harness/admin.js';
import { Api, requestToken } from '../harness/api.js';
import { runProgram } from '../harness/program.js';
import { HAS_BROWSER, useBrowser } from './browser.js';
import type { Screen } from './browser.js';

/** Codes of the API are German sentences on a German page. */

const APP = 'com.example.app';

describe.runIf(HAS_BROWSER)('a German page', () => {
  const browser = useBrowser();
  const program = runProgram(EMBEDDED);

  beforeAll(async () => {
    await program.api.registerDevices([{ deviceId: 'real', platform: 'G', token: 'a-real-token' }]);
  });

  const open = async (path: string): Promise<Screen> => {
    const screen = await browser.open({ locale: 'de-DE' });
    const { page } = screen;
    await page.goto(`${program.carillon.url}/console/apps/${APP}/${path}`);
    await page.getByRole('button', { name: 'Als test anmelden' }).click();
    await page.getByRole('navigation', { name: 'Seiten' }).waitFor();
    return screen;
  };

  it('says what keeps a message from being sent, and what to know before', async () => {
    const { page, faults } = await open('send');
    await page.getByRole('textbox', { name: 'Text', exact: true }).fill('Hallo');
    await page.getByRole('radio', { name: 'Geräte' }).check();
    const ids = page.getByRole('combobox', { name: 'Geräte', exact: true });
    for (const id of ['real', 'nobody']) {
      await ids.fill(id);
      await ids.press('Enter');
    }
    await page.getByRole('button', { name: 'Den Plan ansehen' }).click();
    await page.getByText('Die Anwendung hat keine Einstellungen für Google (FCM).').waitFor();
    await page.getByText('Für eine Kennung ist kein Gerät registriert: nobody.').waitFor();
    await page.getByRole('button', { name: 'An 1 Gerät senden' }).click();
    const accepted = page.getByRole('status').filter({ hasText: 'nobody' });
    await accepted.getByText('Für eine Kennung ist kein Gerät registriert: nobody.').waitFor();
    expect(faults).toEqual([]);
  });

  it.each([
    ['ein anderes Merkmal', { attributes: { tarif: 'gold' } }, 'mit einem anderen Wert des Merkmals tarif.'],
    [
      'eine andere Plattform',
      { platforms: ['A', 'WEB_CHROME'] },
      'für eine andere Plattform: iPhone und iPad, Chrome.',
    ],
    ['andere Geräte', { deviceIds: ['other'] }, 'Die Nachricht ist für andere Geräte.'],
  ])('says why a device did not get a message: %s', async (_what, target, words) => {
    const id = await program.api.send({ message: { alert: 'Hallo' }, target });
    await program.api.waitFor(id);
    const { page, faults } = await open(`devices/real?message=${id}`);
    await page.getByText('Das Gerät gehört nicht zu ihren Empfängern').waitFor();
    await page.getByText(words).waitFor();
    expect(faults).toEqual([]);
  });

  it('says why a campaign was paused', async () => {
    const admin = new Admin(program.carillon.url);
    const secret = await admin.addClient('planner', 'campaigns.write messages.write push.application.*');
    const scope = `campaigns.write push.application.${APP}`;
    const answer = await requestToken(program.carillon.url, { id: 'planner', secret, scope });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const api = new Api(program.carillon.url, token, APP);
    const made = await api.app<{ campaignId: string }>('POST', '/campaigns', {
      name: 'Wöchentlich',
      content: { message: { alert: 'Hallo' } },
      schedule: { cron: '0 9 * * MON' },
    });
    await api.app('POST', `/campaigns/${made.body.campaignId}/activate`);
    await admin.call('DELETE', '/confidentialclients/planner?stopMessages=true');
    const { page, faults } = await open(`campaigns/${made.body.campaignId}`);
    await page.getByText('Der Client, der die Kampagne angelegt hat, wurde gelöscht oder gesperrt.').waitFor();
    expect(faults).toEqual([]);
  });

  it('says what is wrong with a value before the words of the API', async () => {
    const { page, faults } = await open('messages?state=wrong');
    await page
      .getByRole('alert')
      .getByText(/^Ein Wert fehlt oder ist ungültig\. \(Invalid value/)
      .waitFor();
    await page.goto(`${program.carillon.url}/console/apps/${APP}/messages/Nothing0`);
    await page
      .getByRole('alert')
      .getByText(/^Das gibt es nicht oder nicht mehr\. \(Not found/)
      .waitFor();
    expect(faults).toEqual([]);
  });
});
