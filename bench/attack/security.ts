import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Admin, basic } from '../../test/harness/admin.js';
import { requestToken } from '../../test/harness/api.js';
import { createServiceAccount } from '../../test/simulators/credentials.js';
import type { Attack } from './attack.js';
import { hammer } from './calls.js';
import { ATTACKER_APP } from './stage.js';

/** Callers that try to get access without the rights. They run against a start in production. */

const GUESSES_PAUSE_MS = 20;
/** More guesses than are answered as wrong; on a busy machine an attack of a second makes fewer. */
const FREE_GUESSES = 20;

/** Addresses of this machine, in notations that a check may miss, and the metadata service of clouds. */
const insideOf = (port: number): string[] => [
  `http://127.0.0.1:${port}/`,
  `https://127.0.0.1:${port}/`,
  `https://localhost:${port}/`,
  `https://2130706433:${port}/`,
  `https://0x7f.1:${port}/`,
  `https://[::1]:${port}/`,
  `https://[::ffff:127.0.0.1]:${port}/`,
  'https://169.254.169.254/latest/meta-data/',
];

export const SECURITY: readonly Attack[] = [
  {
    name: 'addresses of this machine in settings, webhooks and browsers',
    section: 'security',
    run: async (stage, signal) => {
      const canary = await openCanary();
      const api = await stage.connect(ATTACKER_APP);
      const kept: string[] = [];
      for (const url of insideOf(canary.port)) {
        const account = createServiceAccount('example-project', url).file;
        const answers = {
          fcmConf: await api.app('PUT', '/settings/fcmConf', account),
          upstreamConf: await api.app('PUT', '/settings/upstreamConf', {
            baseUrl: `${url}mfp`,
            clientId: 'x',
            clientSecret: 'x',
            mode: 'relay',
          }),
          webhook: await api.app('POST', '/webhooks', { name: 'inside', url, eventTypes: 'onDeviceRegister' }),
        };
        for (const [where, { status }] of Object.entries(answers))
          if (status < 400 || status >= 500) kept.push(`${where} ${url}: ${status}`);
        // A browser's endpoint is also checked when it is used.
        const keys = { p256dh: browserKey(), auth: 'AAAAAAAAAAAAAAAAAAAAAA' };
        const device = {
          deviceId: `inside-${kept.length}`,
          platform: 'WEB_CHROME',
          token: JSON.stringify({ endpoint: url, keys }),
        };
        await api.app('POST', '/devices', device);
      }
      await api.app('PUT', '/settings/webPushConf', { subject: 'mailto:push@example.com' });
      await api.app('POST', '/messages', { message: { alert: 'x' }, target: { platforms: ['WEB_CHROME'] } });
      await delay(60_000, undefined, { signal }).catch(() => undefined);
      const reached = canary.close();
      return [...kept, ...(reached > 0 ? [`${reached} connections came to this machine`] : [])];
    },
  },
  {
    name: 'guesses at the secret of the neighbour, from its address',
    section: 'security',
    run: async (stage, signal) => {
      const victim = await stage.addCaller(`victim-${Date.now()}`, ATTACKER_APP, 'messages.write');
      const right = (): Promise<Response> =>
        requestToken(stage.api.url, { ...victim, scope: `messages.write push.application.${ATTACKER_APP}` });
      const path = '/mfp/api/az/v1/token';
      const body = 'grant_type=client_credentials&scope=messages.write';
      const guess = (count: number) => ({
        method: 'POST',
        path,
        body,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: basic(victim.id, `guess ${count}`),
        },
      });
      const guesses = hammer(stage.api.url, guess, { connections: 4, signal, pauseMs: GUESSES_PAUSE_MS });
      const answers: number[] = [];
      while (!signal.aborted) {
        answers.push((await right()).status);
        await delay(500, undefined, { signal }).catch(() => undefined);
      }
      const statuses = await guesses;
      const guessed = [...statuses.values()].reduce((sum, count) => sum + count, 0);
      const refused = answers.filter((status) => status !== 200).length;
      return [
        ...(refused > 0 ? [`the right secret was refused ${refused} of ${answers.length} times`] : []),
        ...(statuses.has(429) || guessed <= FREE_GUESSES ? [] : ['no guess was answered 429']),
      ];
    },
  },
  {
    name: 'an administrator of some rights grants itself all',
    section: 'security',
    run: async (stage, signal) => {
      const taken: string[] = [];
      while (!signal.aborted) {
        const id = `deputy-${Date.now()}`;
        const secret = await stage.administrator().addClient(id, 'mfpadmin');
        const deputy = new Admin(stage.api.url, basic(id, secret));
        const tries = {
          'its own scope': await deputy.call('PUT', `/confidentialclients/${id}`, { allowedScope: '*' }),
          'a client of all rights': await deputy.call('POST', '/confidentialclients', {
            id: `${id}-2`,
            allowedScope: '*',
          }),
          "root's secret": await deputy.call('POST', '/confidentialclients/root/secret', {}),
        };
        for (const [what, { status }] of Object.entries(tries)) if (status < 400) taken.push(`${what}: ${status}`);
        await delay(500, undefined, { signal }).catch(() => undefined);
      }
      return [...new Set(taken)];
    },
  },
];

/** Counts connections. */
async function openCanary(): Promise<{ port: number; close: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  server.listen(0, '::');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () => {
      server.close();
      return connections;
    },
  };
}

/** A public point on P-256: the generator (SEC 2 §2.4.2). */
function browserKey(): string {
  const hex =
    '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5';
  return Buffer.from(hex, 'hex').toString('base64url');
}
