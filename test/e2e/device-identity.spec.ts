import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { channelSpellings, hexSpellings, subscriptionSpellings } from '../spellings.js';
import { STAGES } from './stages.js';

/** All spellings of one token are one device, which belongs to its last user: by registration, PUT and import. */

let simulators: RunningSimulators;
beforeAll(async () => {
  simulators = await startSimulators();
});
afterAll(() => simulators?.stop());

describe.each(STAGES)('on $name', (stage) => {
  const program = runProgram(stage, {
    environment: () => ({
      APNS_URL: simulators.apns.url,
      WNS_CHANNEL_HOST: simulators.wns.channelHost,
      WEB_PUSH_ALLOW_PRIVATE: 'true',
      PROVIDER_CA_FILE: simulators.caPath ?? '',
    }),
  });

  const spellings = {
    APNs: () => Promise.resolve(['A', hexSpellings('ab12cd34'.repeat(8))] as const),
    WNS: () => Promise.resolve(['W', channelSpellings(`${simulators.wns.channelUrl}a%2fb`)] as const),
    'Web Push': async () => {
      const { publicKey } = (await program.api.app<{ publicKey: string }>('GET', '/settings/webPushConf')).body;
      const [made] = await simulators.admin.createSubscriptions('mozilla', 1, publicKey);
      return ['WEB_CHROME', subscriptionSpellings(made!.endpoint, made!.keys)] as const;
    },
  };

  beforeAll(async () => {
    await program.api.app('PUT', '/settings/webPushConf', { subject: 'mailto:a@example.com' });
    await program.api.app('PUT', '/settings/apnsConf', { ...simulators.credentials.apns });
  });

  const devices = async (platform: string): Promise<{ deviceId: string; userId: string }[]> =>
    (
      await program.api.app<{ devices: { deviceId: string; userId: string; platform: string }[] }>(
        'GET',
        '/devices?size=100',
      )
    ).body.devices
      .filter((device) => device.platform === platform && !device.deviceId.startsWith('sample'))
      .map(({ deviceId, userId }) => ({ deviceId, userId }));

  it.each(Object.keys(spellings) as (keyof typeof spellings)[])(
    '%s: the token moves to the last registration, in any spelling',
    async (name) => {
      const { api } = program;
      const [platform, tokens] = await spellings[name]();
      const [first = ''] = Object.values(tokens);
      const before = await devices(platform);
      for (const [what, token] of Object.entries(tokens)) {
        await api.registerDevices([{ deviceId: `${name} ann`, platform, token: first, userId: 'ann' }]);
        const ben = { deviceId: `${name} ben`, platform, token, userId: 'ben' };
        await api.registerDevices([ben]);
        expect(await devices(platform), what).toEqual([...before, { deviceId: ben.deviceId, userId: 'ben' }]);

        await api.registerDevices([{ ...ben, deviceId: `${name} put`, token: 'sandbox:accepted:put' }]);
        const changed = await api.app('PUT', `/devices/${encodeURIComponent(`${name} put`)}`, { token });
        expect([what, changed.status]).toEqual([what, 200]);
        expect((await devices(platform)).at(-1), what).toEqual({ deviceId: `${name} put`, userId: 'ben' });
        expect(await devices(platform), what).toHaveLength(before.length + 1);

        const lines = [first, token].map((each, index) =>
          JSON.stringify({ deviceId: `${name} line ${index}`, platform, token: each, userId: `user${index}` }),
        );
        const imported = await api.raw('POST', '/devices:import', lines.join('\n'), {
          'content-type': 'application/x-ndjson',
        });
        expect([what, imported.status]).toEqual([what, 200]);
        expect(await devices(platform), what).toEqual([...before, { deviceId: `${name} line 1`, userId: 'user1' }]);
      }
    },
    60_000,
  );

  it.each(['APNs', 'Web Push'] as const)(
    '%s: a message to ann never reaches the phone that is now ben’s, and a broadcast reaches it once',
    async (name) => {
      const { api } = program;
      const [platform, tokens] = await spellings[name]();
      for (const { deviceId } of await devices(platform))
        await api.app('DELETE', `/devices/${encodeURIComponent(deviceId)}`);
      const simulator = name === 'APNs' ? 'apns' : 'web-push';
      for (const [index, token] of Object.values(tokens).entries())
        await api.registerDevices([
          { deviceId: `${name} ${index}`, platform, token, userId: index === 0 ? 'ann' : 'ben' },
        ]);
      const toAnn = await api.app<{ messageId?: string }>('POST', '/messages', {
        message: { alert: 'for ann alone' },
        target: { userIds: ['ann'] },
      });
      if (toAnn.body.messageId !== undefined)
        expect(await api.waitFor(toAnn.body.messageId)).toMatchObject({ audience: 0 });
      const messageId = await api.send({ message: { alert: 'for all' }, target: { platforms: [platform] } });
      await api.waitFor(messageId);
      const counts = await simulators.admin.ledgerTokens(simulator, messageId);
      expect(counts.map(({ count }) => count)).toEqual([1]);
    },
    60_000,
  );
});
