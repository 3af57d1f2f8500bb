import { beforeAll, describe, expect, it } from 'vitest';
import { STAGES } from '../e2e/stages.js';
import { Admin } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { expectAccessible, HAS_BROWSER, signIn, signInAs, useBrowser } from './browser.js';

/** Control of one message in a browser, against the built program: approve, reject, pause, resume, cancel, resend. */

const APP = 'com.example.app';
const KINDS = ['rejected', 'ambiguous', 'accepted'] as const;
/** Of the devices of one kind; four kinds make ten thousand. */
const PART = 2_500;

describe.runIf(HAS_BROWSER).each(STAGES)('control of a message, on $name', (stage) => {
  const browser = useBrowser();
  const program = runProgram(stage);
  let approver: { id: string; secret: string };

  beforeAll(async () => {
    const line = (kind: string, group: string, index: number) =>
      JSON.stringify({
        deviceId: `${group}-${kind}-${index}`,
        platform: 'G',
        token: `sandbox:${kind}:${group}-${index}`,
        attributes: { group },
      });
    const lines = [
      ...Array.from({ length: 30 }, (_, index) => line('throttled-forever', 'open', index)),
      ...KINDS.flatMap((kind) =>
        Array.from({ length: kind === 'accepted' ? 2 * PART : PART }, (_, index) => line(kind, 'mixed', index)),
      ),
    ];
    await program.api.raw('POST', '/devices:import', lines.join('\n'), { 'content-type': 'application/x-ndjson' });
    approver = { id: 'approver', secret: await new Admin(program.carillon.url).addClient('approver', '*') };
  });

  const pathOf = (id: string): string => `apps/${APP}/messages/${id}`;
  const toGroup = (group: string) => ({ target: { attributes: { group } } });
  const stateOf = async (id: string): Promise<string> => (await program.api.message(id)).state;

  it('pauses, resumes and cancels a message, and says what can still be stopped and what was', async () => {
    const id = await program.api.send({ message: { alert: 'Stop me' }, ...toGroup('open') });
    await program.api.waitFor(id, ({ state }) => state === 'sending');
    // No outcome is sent again while deliveries are being settled.
    const early = await program.api.app('POST', `/messages/${id}/resend`, { outcomes: ['failed'] });
    expect(early.status).toBe(409);
    const screen = await browser.open();
    const { page } = screen;
    await signIn(page, program.carillon.url, pathOf(id));
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await page.getByText('A person paused this message.').waitFor();
    expect(await stateOf(id)).toBe('paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await stateOf(id)).toBe('sending');

    await page.getByRole('button', { name: 'Cancel the message' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel this message?' });
    await dialog.getByText('30 deliveries can still be stopped. What was sent stays sent.').waitFor();
    await expectAccessible(screen, 'message-cancel');
    await dialog.getByRole('button', { name: 'Go on sending' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(await stateOf(id)).toBe('sending');
    await page.getByRole('button', { name: 'Cancel the message' }).click();
    await dialog.getByRole('button', { name: 'Stop them' }).click();
    await page.getByText('30 stopped, 0 had ended before, 0 may have been sent.').waitFor();
    await page.getByRole('main').locator('[data-state=cancelled]').waitFor();
    await page.getByRole('button', { name: 'Pause' }).waitFor({ state: 'detached' });
    expect((await program.api.message(id)).outcomes).toMatchObject({ cancelled: 30, pending: 0 });
  });

  it('waits for approval, is approved by another client, and is rejected', async () => {
    await program.api.app('PUT', '/status', { enabled: true, approval: { above: 29 } });
    const [first, second] = [
      await program.api.send({ message: { alert: 'Approve me' }, ...toGroup('open') }),
      await program.api.send({ message: { alert: 'Reject me' }, ...toGroup('open') }),
    ];
    await program.api.app('PUT', '/status', { enabled: true, approval: null });
    const own = await browser.open();
    await signIn(own.page, program.carillon.url, pathOf(first));
    await own.page.getByText('Another client or person with the scope messages.approve has to approve it.').waitFor();
    expect(await own.page.getByRole('button', { name: /Pause|Resume/ }).count()).toBe(0);
    await expectAccessible(own, 'message-awaiting');
    await own.page.getByRole('button', { name: 'Approve', exact: true }).click();
    await own.page.getByText('another one has to approve it').waitFor();
    expect(await stateOf(first)).toBe('awaitingApproval');

    const other = await browser.open();
    await signInAs(other.page, program.carillon.url, approver, `apps/${APP}/messages?state=awaitingApproval`);
    await other.page.getByRole('table', { name: 'Messages' }).getByText('Waits for approval').nth(1).waitFor();
    await other.page.getByRole('link', { name: 'Approve me' }).click();
    await other.page.getByRole('button', { name: 'Approve', exact: true }).click();
    await other.page.getByRole('cell', { name: 'approver' }).waitFor();
    expect(await stateOf(first)).not.toBe('awaitingApproval');
    await other.page.goto(`${program.carillon.url}/console/${pathOf(second)}`);
    await other.page.getByRole('button', { name: 'Reject' }).click();
    const dialog = other.page.getByRole('dialog', { name: 'Reject this message?' });
    await dialog.getByText('Nothing of it was sent, and nothing will be.').waitFor();
    await dialog.getByRole('button', { name: 'Reject' }).click();
    await other.page.getByRole('main').locator('[data-state=cancelled]').waitFor();
    expect(await stateOf(second)).toBe('cancelled');
    await program.api.app('DELETE', `/messages/${first}`);
  });

  it('ranks the reasons of all deliveries, and sends exactly the failed ones again, once', async () => {
    const body = { message: { alert: 'Mixed {{name|friend}}' }, onUnknown: 'hold', ...toGroup('mixed') };
    const id = await program.api.send(body);
    await program.api.waitFor(id, ({ finishedTime }) => finishedTime !== undefined);
    const screen = await browser.open({ viewport: { width: 1280, height: 2_000 } });
    const { page } = screen;
    await signIn(page, program.carillon.url, `${pathOf(id)}?outcome=failed`);
    const reasons = page.getByRole('table', { name: 'Reasons' });
    await reasons.getByRole('row', { name: /rejected sandbox Failed 2,500/ }).waitFor();
    await reasons.getByRole('row', { name: /ambiguous sandbox Unknown 2,500/ }).waitFor();
    const shown = page.getByRole('region', { name: 'Preview: Android' });
    await shown.getByText('Mixed friend', { exact: true }).waitFor();
    await expectAccessible(screen, 'message-reasons');
    const deliveries = page.getByRole('table', { name: 'Deliveries' });
    const first = await deliveries.getByRole('link').first().textContent();
    await page.getByRole('button', { name: 'Next page' }).click();
    await deliveries.getByRole('link', { name: first ?? '', exact: true }).waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Send again …' }).click();
    const dialog = page.getByRole('dialog', { name: 'Send again' });
    await dialog.getByLabel('Unknown: 2,500').uncheck();
    await dialog.getByRole('button', { name: 'Send 2,500 deliveries again' }).dblclick();
    await dialog.getByText('2,500 deliveries will be sent again.').waitFor();
    const resends = async () => (await program.api.message(id)).resends ?? [];
    expect(await resends()).toHaveLength(1);
    await dialog.getByRole('link', { name: 'Show the new message' }).click();
    await page.getByText('2,500 devices', { exact: true }).waitFor();
    const [resend = ''] = await resends();
    expect(await program.api.waitFor(resend)).toMatchObject({ audience: PART, outcomes: { failed: PART } });

    // The same by the API: one key, one message, however often it is asked.
    const again = () =>
      program.api.app<{ messageId: string }>(
        'POST',
        `/messages/${id}/resend`,
        { outcomes: ['unknown'] },
        {
          'idempotency-key': 'again',
        },
      );
    const answers = [await again(), await again()];
    expect(answers[0]?.body.messageId).toBe(answers[1]?.body.messageId);
    expect(await resends()).toHaveLength(2);
    expect(await program.api.waitFor(answers[0]?.body.messageId ?? '')).toMatchObject({ audience: PART });

    await page.goto(`${program.carillon.url}/console/${pathOf(id)}?outcome=failed`);
    await deliveries.getByRole('link', { name: first ?? '', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: first ?? '' }).waitFor();
  }, 120_000);
});
