import type { ClientHttp2Session } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import { createApnsCredentials } from '../../simulators/credentials.js';
import { connect, nextSettings, now, send, signProviderToken, type Outcome } from './h2-client.js';

const BODY = JSON.stringify({ aps: { alert: 'hello' } });

let simulators: RunningSimulators;
let session: ClientHttp2Session;

beforeAll(async () => {
  simulators = await startSimulators();
});
afterAll(() => simulators.stop());
beforeEach(async () => {
  await simulators.admin.reset();
  session = await connect(simulators.apns.url, simulators.ca);
});
afterEach(() => session.destroy());

function push(authorization?: string): Promise<Outcome> {
  const headers = { ':path': '/3/device/ab', 'apns-topic': 'com.example.app' };
  return send(session, authorization === undefined ? headers : { ...headers, authorization }, BODY);
}

async function token(change?: Parameters<typeof signProviderToken>[1]): Promise<string> {
  return `bearer ${await signProviderToken(simulators.credentials.apns, change)}`;
}

describe('the stream limit', () => {
  it('is 1 until the first valid token, then 1000', async () => {
    expect(session.remoteSettings.maxConcurrentStreams).toBe(1);
    const opened = nextSettings(session);
    await push(await token());
    expect((await opened).maxConcurrentStreams).toBe(1000);
  });

  it('stays 1 after a refused token', async () => {
    await push(await token({ issuedAt: now() - 3700 }));
    await new Promise<void>((resolve) => session.ping(() => resolve()));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(1);
  });

  it('changes on command, down to 0 and back', async () => {
    const opened = nextSettings(session);
    await push(await token());
    await opened;
    for (const streams of [1, 1000, 0]) {
      const changed = nextSettings(session);
      await simulators.admin.changeSettings({ apns: { streams } });
      expect((await changed).maxConcurrentStreams).toBe(streams);
    }
  });

  it('does not change on command for a connection without an accepted token', async () => {
    await simulators.admin.changeSettings({ apns: { streams: 500 } });
    await new Promise<void>((resolve) => session.ping(() => resolve()));
    expect(session.remoteSettings.maxConcurrentStreams).toBe(1);
  });
});

describe('the provider token', () => {
  it('is required', async () => {
    expect(await push()).toMatchObject({ status: 403, json: { reason: 'MissingProviderToken' } });
  });

  it.each([
    ['not a JWT', () => Promise.resolve('bearer nonsense')],
    ['not a bearer token', () => Promise.resolve('Basic abc')],
    ['of an unknown key', () => token({ keyId: 'AAAAAAAAAA' })],
    ['of a team that does not own the key', () => token({ teamId: 'AAAAAAAAAA' })],
    ['issued in the future', () => token({ issuedAt: now() + 600 })],
    [
      'signed by another key',
      async () => {
        const { credentials } = createApnsCredentials('com.example.app');
        return `bearer ${await signProviderToken({ ...simulators.credentials.apns, key: credentials.key })}`;
      },
    ],
  ])('is refused if it is %s', async (_name, make) => {
    expect(await push(await make())).toMatchObject({ status: 403, json: { reason: 'InvalidProviderToken' } });
  });

  it('is refused if it was changed after signing', async () => {
    const good = await token();
    const at = good.length - 10;
    const bad = good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1);
    expect((await push(bad)).status).toBe(403);
    expect((await push(good)).status).toBe(200);
  });

  it('expires an hour after iat and blocks the connection', async () => {
    expect((await push(await token({ issuedAt: now() - 3590 }))).status).toBe(200);
    expect(await push(await token({ issuedAt: now() - 3605 }))).toMatchObject({
      json: { reason: 'ExpiredProviderToken' },
    });
    expect(await push(await token())).toMatchObject({ status: 403, json: { reason: 'ExpiredProviderToken' } });
    const other = await connect(simulators.apns.url, simulators.ca);
    const headers = { ':path': '/3/device/ab', 'apns-topic': 'com.example.app', authorization: await token() };
    expect((await send(other, headers, BODY)).status).toBe(200);
    other.destroy();
  });

  it('leaves the connection usable after expiry if that mode is off', async () => {
    await simulators.admin.changeSettings({ apns: { wedgeAfterExpiry: false } });
    expect((await push(await token({ issuedAt: now() - 3605 }))).status).toBe(403);
    expect((await push(await token())).status).toBe(200);
  });

  it('may be renewed after 20 minutes, not earlier', async () => {
    expect((await push(await token({ issuedAt: now() - 1300 }))).status).toBe(200);
    const renewed = await token();
    expect((await push(renewed)).status).toBe(200);
    const reason = 'TooManyProviderTokenUpdates';
    expect(await push(await token({ issuedAt: now() - 1 }))).toMatchObject({ status: 429, json: { reason } });
    // Permanently: even the token that was valid is refused now.
    expect(await push(renewed)).toMatchObject({ status: 429, json: { reason } });
  });

  it('is counted by team, once per distinct text', async () => {
    const one = await token();
    await push(one);
    await push(one);
    const { teamId } = simulators.credentials.apns;
    expect((await simulators.admin.counters()).apns.distinctTokensByTeam).toEqual({ [teamId]: 1 });
  });
});

describe('a second key', () => {
  it('of another team may not share the connection', async () => {
    const other = createApnsCredentials('com.example.app');
    await simulators.admin.registerCredentials({ apns: other.registration });
    expect((await push(await token())).status).toBe(200);
    const foreign = `bearer ${await signProviderToken(other.credentials)}`;
    expect(await push(foreign)).toMatchObject({ status: 403, json: { reason: 'UnrelatedKeyIdInToken' } });
    expect((await push(await token({ issuedAt: now() + 30 }))).status).toBe(429);
  });

  it('of the same team and scope may share it, of another scope not', async () => {
    const { teamId } = simulators.credentials.apns;
    for (const [scope, status] of [
      ['team', 200],
      ['topic', 403],
    ] as const) {
      const other = createApnsCredentials('com.example.app');
      await simulators.admin.registerCredentials({ apns: { ...other.registration, teamId, scope } });
      const signed = await signProviderToken({ ...other.credentials, teamId });
      expect((await push(`bearer ${signed}`)).status).toBe(status);
    }
  });

  it('of the other environment is refused in the configured spelling', async () => {
    const other = createApnsCredentials('com.example.app');
    await simulators.admin.registerCredentials({ apns: { ...other.registration, environment: 'sandbox' } });
    const signed = `bearer ${await signProviderToken(other.credentials)}`;
    for (const reason of ['BadEnvironmentKeyInToken', 'BadEnvironmentKeyIdInToken'] as const) {
      await simulators.admin.changeSettings({ apns: { environmentReason: reason } });
      expect(await push(signed)).toMatchObject({ status: 403, json: { reason } });
    }
    await simulators.admin.changeSettings({ apns: { environment: 'sandbox' } });
    expect((await push(signed)).status).toBe(200);
  });
});
