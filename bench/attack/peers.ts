import { setTimeout as delay } from 'node:timers/promises';
import type { FaultAction } from '../../test/simulators/shared/faults.js';
import type { Attack } from './attack.js';
import { NEIGHBOUR_APP } from './stage.js';
import type { Stage } from './stage.js';

/**
 * Push services with odd answers. The odd ones and the correct one serve browsers of one application, the neighbour's:
 * an answer of one origin must not stop the others.
 */

const ODD_BROWSERS = 30;
const EVERY_MS = 250;
const PAGE = '<html><body>Not found</body></html>';
const MESSAGES = `/imfpush/v1/apps/${NEIGHBOUR_APP}/messages`;
const TO_HONEST_BROWSER = {
  path: MESSAGES,
  body: '{"message":{"alert":"Your code is 123456"},"target":{"deviceIds":["honest"]}}',
};

const ANSWERS: { name: string; action: FaultAction }[] = [
  { name: '403 BadJwtToken', action: { status: 403, body: { reason: 'BadJwtToken' } } },
  { name: '403 BadVapidPublicKey', action: { status: 403, body: { reason: 'BadVapidPublicKey' } } },
  { name: '400 BadAuthorizationHeader', action: { status: 400, body: { reason: 'BadAuthorizationHeader' } } },
  { name: '401', action: { status: 401, body: '' } },
  { name: '406', action: { status: 406, body: '' } },
  { name: '429 for an hour', action: { status: 429, body: '', headers: { 'retry-after': '3600' } } },
  { name: "404 of a front end's page", action: { status: 404, body: PAGE, headers: { 'content-type': 'text/html' } } },
  { name: 'an empty 410', action: { status: 410, body: '' } },
  { name: '302', action: { status: 302, body: '', headers: { location: 'https://127.0.0.1:9/' } } },
  { name: '10 s for each answer', action: { delayMs: 10_000 } },
  { name: 'no answer', action: { blackhole: true } },
];

export const PEERS: readonly Attack[] = ANSWERS.map(({ name, action }) => ({
  name: `an origin answers ${name}`,
  section: 'peers',
  neighbour: TO_HONEST_BROWSER,
  run: async (stage, signal) => {
    await stage.odd.admin.setFaults([{ match: { provider: 'web-push' }, action }]);
    const api = await stage.connect(NEIGHBOUR_APP);
    const deviceIds = Array.from({ length: ODD_BROWSERS }, (_, index) => `odd-${index}`);
    while (!signal.aborted) {
      await api.app('POST', '/messages', { message: { alert: 'x', ttl: 60 }, target: { deviceIds } });
      await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    await stage.odd.admin.clearFaults();
    return [...(await lostBrowsers(stage)), ...(await pausedProviders(stage))];
  },
}));

/** Registers browsers at the correct and the odd origin, all in the neighbour's application. */
export async function registerBrowsers(stage: Stage): Promise<void> {
  const api = await stage.connect(NEIGHBOUR_APP);
  const made = await api.app<{ publicKey: string }>('PUT', '/settings/webPushConf', {
    subject: 'mailto:push@example.com',
  });
  const browsersOf = async (side: 'honest' | 'odd', count: number): Promise<void> => {
    const subscriptions = await stage[side].admin.createSubscriptions('mozilla', count, made.body.publicKey);
    const devices = subscriptions.map((subscription, index) => ({
      deviceId: side === 'honest' ? side : `${side}-${index}`,
      platform: 'WEB_FIREFOX',
      token: JSON.stringify(subscription),
    }));
    await api.registerDevices(devices);
  };
  await browsersOf('honest', 1);
  await browsersOf('odd', ODD_BROWSERS);
}

/** Counts retired browsers: none of these answers means that a subscription has ended. */
async function lostBrowsers(stage: Stage): Promise<string[]> {
  const api = await stage.connect(NEIGHBOUR_APP);
  const { body } = await api.app<{ devices: { deviceId: string }[] }>('GET', '/devices?size=100');
  const left = body.devices.filter(({ deviceId }) => deviceId.startsWith('odd-')).length;
  return left < ODD_BROWSERS ? [`${ODD_BROWSERS - left} of ${ODD_BROWSERS} browsers were retired`] : [];
}

async function pausedProviders(stage: Stage): Promise<string[]> {
  const api = await stage.connect(NEIGHBOUR_APP);
  const { body } = await api.app<{ pausedReason?: string }>('GET', '/settings/webPushConf');
  return body.pausedReason === undefined ? [] : [`Web Push of the application is paused: ${body.pausedReason}`];
}
