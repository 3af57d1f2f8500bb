import { describe, expect, it } from 'vitest';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from '../e2e/stages.js';
import { HAS_BROWSER, signIn, signInAs, useBrowser } from './browser.js';

/** The failing and the forbidden state of every screen that reads something. */

const APP = 'apps/com.example.app';
const API = /\/(imfpush|mfpadmin)\//;

describe.runIf(HAS_BROWSER).each(STAGES)('each screen, on $name', (stage) => {
  const browser = useBrowser();
  const program = runProgram(stage);

  async function screens(): Promise<string[]> {
    const message = await program.api.send({ message: { alert: 'Hello' } });
    const { body: campaign } = await program.api.app<{ campaignId: string }>('POST', '/campaigns', {
      name: 'Weekly',
      content: { message: { alert: 'Hello' } },
      schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Berlin' },
    });
    const { body } = await program.api.app<{ devices: { deviceId: string }[] }>('GET', '/devices');
    return [
      '',
      APP,
      `${APP}/messages`,
      `${APP}/messages/${message}`,
      `${APP}/campaigns`,
      `${APP}/campaigns/calendar`,
      `${APP}/campaigns/${campaign.campaignId}`,
      `${APP}/campaigns/${campaign.campaignId}/edit`,
      `${APP}/devices`,
      `${APP}/devices/${body.devices[0]!.deviceId}`,
      `${APP}/users/ann`,
      `${APP}/providers`,
      `${APP}/webhooks`,
      'administration/clients',
      'administration/audit',
      'administration/system',
    ];
  }

  it('says that the server does not answer, and goes on when the button is pressed', async () => {
    const { page: first } = await browser.open();
    await signIn(first, program.carillon.url);
    const failsAndGoesOn = async (path: string): Promise<void> => {
      const page = await first.context().newPage();
      await page.route(API, (route) => route.abort());
      await page.goto(`${program.carillon.url}/console/${path}`);
      const main = page.getByRole('main');
      const failed = main.getByText('Carillon does not answer');
      await expect.poll(() => failed.count(), { message: path, timeout: 30_000 }).toBeGreaterThan(0);
      await page.unroute(API);
      const again = main.getByRole('button', { name: 'Try again' }).first();
      // A part that its own timer reads again loses its button meanwhile.
      while (await again.isVisible()) await again.click({ timeout: 1_000 }).catch(() => undefined);
      await expect.poll(() => failed.count(), { message: path, timeout: 30_000 }).toBe(0);
      await page.close();
    };
    // A screen tries again for some seconds before it says so.
    await Promise.all((await screens()).map(failsAndGoesOn));
  });

  it('says which scope is missing', async () => {
    const paths = await screens();
    const secret = await new Admin(program.carillon.url).addClient(
      'none',
      `authorization.introspect push.application.*`,
    );
    const { page } = await browser.open();
    await signInAs(page, program.carillon.url, { id: 'none', secret });
    for (const path of paths) {
      await page.goto(`${program.carillon.url}/console/${path}`);
      const forbidden = page.getByRole('main').getByText('Your scope does not cover this');
      await expect.poll(() => forbidden.count(), { message: path, timeout: 15_000 }).toBeGreaterThan(0);
    }
  });
});
