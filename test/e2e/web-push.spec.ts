import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';

/** Browsers and the built program: the public key, their registration, and a message to each. */
describe('browsers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-web-push-'));
  let simulators: RunningSimulators;
  let carillon: RunningCarillon;
  let api: Api;

  beforeAll(async () => {
    simulators = await startSimulators();
    carillon = await startCarillon({
      DATA_DIR: folder,
      WEB_PUSH_ALLOW_PRIVATE: 'true',
      PROVIDER_CA_FILE: simulators.caPath ?? '',
    });
    api = await Api.connect(carillon.url);
  });
  afterAll(async () => {
    await carillon?.stop();
    await simulators?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('creates a key pair, shows its public key, and keeps it when the contact changes', async () => {
    expect((await api.app('GET', '/settings/webPushConf')).status).toBe(404);
    const made = await api.app('PUT', '/settings/webPushConf', { subject: 'mailto:a@example.com' });
    expect([made.status, Object.keys(made.body).sort()]).toEqual([200, ['publicKey', 'subject']]);
    const { publicKey } = made.body;
    const changed = await api.app('PUT', '/settings/webPushConf', { subject: 'mailto:b@example.com' });
    expect(changed.body).toEqual({ publicKey, subject: 'mailto:b@example.com' });
    expect((await api.app('GET', '/settings/webPushConf')).body).toEqual(changed.body);
    const wrong = await api.app('PUT', '/settings/webPushConf', { subject: 'b@example.com' });
    expect([wrong.status, wrong.body.code]).toEqual([400, 'FPWSE0005E']);

    const page = await Api.connect(
      carillon.url,
      api.applicationId,
      'gcmConfPublic.read push.application.com.example.app',
    );
    const shown = await page.app('GET', '/settings/webPushConfPublic');
    expect([shown.status, shown.body]).toEqual([200, { publicKey }]);
    expect((await page.app('GET', '/settings/webPushConf')).status).toBe(403);
  });

  it('refuses a token that is not a subscription', async () => {
    const device = { deviceId: 'x', platform: 'WEB_CHROME', token: '{"endpoint":"https://push.example/1"}' };
    const answer = await api.app('POST', '/devices', device);
    expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining('userPublicKey')]);
  });

  it('delivers to every browser at every service its message, and removes dead subscriptions', async () => {
    const { publicKey } = (await api.app<{ publicKey: string }>('GET', '/settings/webPushConfPublic')).body;
    const kinds = [
      ['google', 'WEB_CHROME'],
      ['wns', 'WEB_CHROME'],
      ['mozilla', 'WEB_FIREFOX'],
      ['apple', 'WEB_SAFARI'],
    ] as const;
    const endpoints: string[] = [];
    for (const [personality, platform] of kinds) {
      const made = await simulators.admin.createSubscriptions(personality, 30, publicKey);
      await api.registerDevices(
        made.map(({ endpoint, keys }, index) => ({
          deviceId: `${personality}-${index}`,
          platform,
          token: JSON.stringify({ endpoint, userPublicKey: keys.p256dh, userAuth: keys.auth }),
        })),
      );
      endpoints.push(...made.map(({ endpoint }) => endpoint));
    }
    const body = {
      message: { alert: 'Hello', url: 'https://example.com' },
      target: { platforms: ['WEB_CHROME', 'WEB_FIREFOX', 'WEB_SAFARI'] },
      settings: { chromeWeb: { title: 'C' }, firefoxWeb: { title: 'F' }, safariWeb: { title: 'S' } },
    };
    const messageId = await api.send(body);
    // One of the sample application's sandbox devices is a browser.
    expect(await api.waitFor(messageId)).toMatchObject({ audience: 121, outcomes: { accepted: 121 } });
    const counts = await simulators.admin.ledgerTokens('web-push', messageId);
    expect(counts.map(({ token, count }) => [token, count]).sort()).toEqual(endpoints.map((each) => [each, 1]).sort());
    const accepted = await simulators.admin.lastAccepted('web-push', 120);
    for (const { token, body } of accepted) {
      const title = token.includes('/wpush/') ? 'F' : token.includes('/apple/') ? 'S' : 'C';
      expect(body).toMatchObject({ nid: messageId, alert: 'Hello', url: 'https://example.com', title });
    }

    await simulators.admin.killTokens('web-push', [endpoints[0]!]);
    const second = await api.waitFor(await api.send(body));
    expect(second.outcomes).toMatchObject({ accepted: 120, rejected: 1 });
    expect(await api.waitFor(await api.send(body))).toMatchObject({ audience: 120, outcomes: { accepted: 120 } });
  });
});
