import apn from '@parse/node-apn';
import { afterEach, describe, expect, it } from 'vitest';
import { useSimulators } from './conformance.js';

const bench = useSimulators();

/** An independent client: the simulator must accept every sender that APNs accepts. */
describe('11. @parse/node-apn, unmodified, against the APNs simulator', () => {
  let provider: apn.Provider;

  afterEach(() => new Promise<void>((resolve) => void provider.shutdown(resolve)));

  function open(): apn.Provider {
    const { apns, ca, credentials } = bench.simulators;
    const { hostname: address, port } = new URL(apns.url);
    const { key, keyId, teamId } = credentials.apns;
    const token = { key, keyId, teamId };
    return new apn.Provider({ token, address, port: Number(port), ca: [ca], production: true });
  }

  it('sends to many devices and reads the refusals', async () => {
    const { admin } = bench.simulators;
    provider = open();
    const notification = new apn.Notification({
      alert: 'Hello',
      topic: 'com.example.app',
      pushType: 'alert',
      payload: { nid: 'theirs' },
    });
    // Alone, because on a new connection the client opens 100 streams without waiting for SETTINGS, and APNs accepts
    // one before the first push.
    expect((await provider.send(notification, 'ff')).sent).toHaveLength(1);
    const tokens = Array.from({ length: 500 }, (_, index) => index.toString(16).padStart(64, '0'));
    await admin.killTokens('apns', [tokens[3]!], { timestamp: 1_700_000_000_000 });
    const { sent, failed } = await provider.send(notification, [...tokens, 'dead0400']);
    expect(sent).toHaveLength(499);
    expect(failed.map(({ device, status, response }) => [device, Number(status), response?.reason])).toEqual(
      expect.arrayContaining([
        [tokens[3], 410, 'Unregistered'],
        ['dead0400', 400, 'BadDeviceToken'],
      ]),
    );
    const counters = (await admin.counters()).apns;
    expect(counters).toMatchObject({ accepted: 500, protocolErrors: 0 });
    // The first push has raised the stream limit.
    expect(counters.peakStreams).toBeGreaterThan(1);
    const { distinct, repeats } = await admin.ledger('apns');
    expect({ distinct, repeats }).toEqual({ distinct: 500, repeats: 0 });
  });
});
