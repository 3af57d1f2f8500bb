import { describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { EMBEDDED } from '../e2e/stages.js';
import { HAS_BROWSER, useBrowser } from './browser.js';

/** The page to try the API, in a browser. */
describe.runIf(HAS_BROWSER)('/doc/', () => {
  const browser = useBrowser();
  const program = runProgram(EMBEDDED);

  it('gets a token for id and secret, and sends the example of a message', async () => {
    const { page, faults } = await browser.open();
    await page.goto(`${program.carillon.url}/doc/`);
    await page.getByRole('button', { name: 'Authorize' }).click();
    const flow = page.locator('.auth-container', { hasText: 'clientCredentials' });
    await flow.getByLabel('client_id').fill('test');
    await flow.getByLabel('client_secret').fill('test');
    await flow.getByText('select all').click();
    await flow.getByText('Authorize', { exact: true }).click();
    await flow.getByText('Logout').waitFor();
    await flow.getByText('Close', { exact: true }).click();
    await page.locator('#operations-tag-Messages').click();
    const operation = page.locator('#operations-Messages-MessagesController_send');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.live-responses-table');
    await answer.getByText('messageId').first().waitFor();
    expect(await answer.locator('.response-col_status').last().innerText()).toContain('202');
    expect(faults).toEqual([]);
  });
});
