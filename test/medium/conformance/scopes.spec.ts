import { describe, expect, it } from 'vitest';
import { createServiceAccount } from '../../simulators/credentials.js';
import { collect, recipients, tally } from '../providers/sending.js';
import { sendUntilSettled, useSimulators } from './conformance.js';

const bench = useSimulators();

describe('7. 429 slows its own scope only', () => {
  it('slows one device at APNs', async () => {
    const { admin } = bench.simulators;
    await admin.changeSettings({ apns: { perTokenPerMinute: 3 } });
    const sender = bench.openApns();
    // More than are written before the first answer.
    const [busy, ...others] = recipients(1_000);
    const verdicts = await collect(sender, [busy!, busy!, busy!, busy!, busy!, ...others]);
    expect(tally(verdicts)).toEqual({ accept: 1_002, 'retryAfter TooManyRequests': 2 });
    expect(verdicts.find(({ action }) => action === 'retryAfter')).toMatchObject({ scope: 'device' });
  });

  it('slows one device at FCM', async () => {
    const { admin } = bench.simulators;
    const to = recipients(1_000);
    const limited = { status: 429, reason: 'QUOTA_EXCEEDED:device' };
    await admin.setFaults([{ match: { token: to[7]!.token }, action: limited }]);
    const verdicts = await collect(bench.openFcm(), to);
    expect(verdicts[7]).toMatchObject({ action: 'retryAfter', scope: 'device' });
    expect(tally(verdicts)).toMatchObject({ accept: 999 });
  });

  it('slows one project at FCM, and another project continues', async () => {
    const { admin, fcm } = bench.simulators;
    const other = createServiceAccount('another-project', fcm.tokenUri);
    await admin.registerCredentials({ fcm: other.registration });
    await admin.changeSettings({ fcm: { quotaPerMinute: 400, retryAfterSeconds: 20 } });
    const [limited, free] = await Promise.all([
      collect(bench.openFcm(), recipients(600)),
      collect(bench.openFcm({ ...other.file }), recipients(400, 1_000)),
    ]);
    expect(tally(free)).toEqual({ accept: 400 });
    const throttled = limited.filter(({ action }) => action === 'retryAfter');
    const unsent = limited.filter(({ action }) => action === 'notSent');
    expect(tally(limited)).toMatchObject({ accept: 400 });
    expect(throttled.length + unsent.length).toBe(200);
    expect(throttled.length).toBeGreaterThan(0);
    for (const verdict of throttled) expect(verdict).toMatchObject({ scope: 'application', afterMs: 20_000 });
  });
});

describe('8. 410 of a token that was registered again', () => {
  it('keeps a device registered after its token died, and removes the others', async () => {
    const { admin } = bench.simulators;
    const diedAt = Date.UTC(2026, 0, 1);
    const to = recipients(4).map((recipient, index) => ({ ...recipient, registeredAt: diedAt - 1 + index }));
    const tokens = to.map(({ token }) => token);
    await admin.killTokens('apns', tokens.slice(0, 3), { timestamp: diedAt });
    const [before, same, after, alive] = await collect(bench.openApns(), to);
    expect(before).toMatchObject({ action: 'dropDevice', certain: true, reason: 'Unregistered' });
    expect(same).toMatchObject({ action: 'dropDevice', certain: true });
    expect(after).toMatchObject({ action: 'retryBackoff', reason: 'Unregistered' });
    expect(alive).toEqual({ action: 'accept' });

    // APNs has noticed the registration before the retry.
    await admin.registerTokens('apns', tokens);
    expect(tally(await collect(bench.openApns(), [to[2]!]))).toEqual({ accept: 1 });
  });
});

describe('Broken answers and handshakes', () => {
  it.each([
    ['headersOnly', 'accept'],
    ['halfThenReset', 'accept'],
    ['noBody', 'ambiguous'],
    ['half', 'ambiguous'],
    ['notJson', 'retryBackoff'],
  ] as const)('%s of a success is %s', async (spoil, action) => {
    const { admin } = bench.simulators;
    const to = recipients(20);
    await admin.setFaults([{ match: { provider: 'fcm', token: to[3]!.token }, action: { spoil } }]);
    const verdicts = await collect(bench.openFcm(), to);
    expect(verdicts[3]).toMatchObject({ action });
    expect(tally(verdicts)).toMatchObject({ accept: action === 'accept' ? 20 : 19 });
  });

  it.each(['noBody', 'half', 'notJson'] as const)('%s of a failure is read by its status', async (spoil) => {
    const { admin } = bench.simulators;
    await admin.setFaults([{ match: { path: '/3' }, action: { status: 503, reason: 'ServiceUnavailable', spoil } }]);
    expect(tally(await collect(bench.openApns(), recipients(3)))).toEqual({ 'retryBackoff HTTP 503': 3 });
    await admin.setFaults([{ match: { path: '/3' }, action: { status: 410, spoil } }]);
    const verdicts = await collect(bench.openApns(), recipients(3));
    expect(verdicts.filter(({ action }) => action === 'dropDevice')).toEqual([]);
  });

  it.each(['failing', 'noAlpn', 'http1Only'] as const)(
    '%s: nothing is written, and everything is retried',
    async (handshake) => {
      const { admin } = bench.simulators;
      await admin.changeSettings({ apns: { handshake } });
      const sender = bench.openApns();
      const verdicts = await collect(sender, recipients(50));
      expect(verdicts.every(({ action }) => action === 'retryBackoff' || action === 'held')).toBe(true);
      expect((await admin.counters()).apns).toMatchObject({ accepted: 0, unanswered: 0 });
      await admin.changeSettings({ apns: { handshake: 'ok' } });
      expect(await sendUntilSettled(sender, 50)).toEqual({ ambiguous: [], others: {} });
      expect(await admin.ledger('apns')).toMatchObject({ distinct: 50, repeats: 0 });
    },
  );

  it('a slow accept only delays the sending', async () => {
    await bench.simulators.admin.changeSettings({ apns: { acceptDelayMs: 700 } });
    expect(tally(await collect(bench.openApns(), recipients(50)))).toEqual({ accept: 50 });
  });
});
