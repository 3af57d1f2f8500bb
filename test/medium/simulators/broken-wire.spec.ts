import type { ClientHttp2Session } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSimulators, type RunningSimulators } from '../../simulators/client.js';
import type { FaultAction } from '../../simulators/shared/faults.js';
import type { Handshake } from '../../simulators/shared/settings.js';
import { connect, send, signProviderToken, until, type Outcome } from './h2-client.js';

let simulators: RunningSimulators;

beforeAll(async () => void (simulators = await startSimulators()));
afterAll(() => simulators.stop());
beforeEach(() => simulators.admin.reset());

/** The result of a handshake: the chosen protocol (false for none) or the code of the alert. */
function shakeHands(url: string, ALPNProtocols: string[]): Promise<string | false | undefined> {
  const { hostname: host, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connectTls({ host, port: Number(port), ca: simulators.ca, ALPNProtocols });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.on('secureConnect', () => {
      resolve(socket.alpnProtocol ?? undefined);
      socket.destroy();
    });
  });
}

describe('the handshake', () => {
  it.each<[Handshake, 'apns' | 'fcm', string[], string | false]>([
    ['ok', 'apns', ['h2'], 'h2'],
    ['ok', 'fcm', ['h2', 'http/1.1'], 'h2'],
    ['failing', 'apns', ['h2'], 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'],
    ['failing', 'fcm', ['h2', 'http/1.1'], 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'],
    ['noAlpn', 'apns', ['h2'], false],
    ['http1Only', 'apns', ['h2'], 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
    ['http1Only', 'fcm', ['h2', 'http/1.1'], 'http/1.1'],
  ])('%s at %s, offered %j', async (handshake, provider, offered, result) => {
    await simulators.admin.changeSettings({ [provider]: { handshake } });
    expect(await shakeHands(simulators[provider].url, offered)).toBe(result);
  });

  it('does not affect open connections, and works again on command', async () => {
    const session = await connect(simulators.fcm.url, simulators.ca);
    await simulators.admin.changeSettings({ fcm: { handshake: 'failing' } });
    expect((await send(session, { ':path': '/token' })).status).toBe(400);
    session.destroy();
    await simulators.admin.changeSettings({ fcm: { handshake: 'ok' } });
    expect(await shakeHands(simulators.fcm.url, ['h2'])).toBe('h2');
  });

  it.each(['apns', 'fcm'] as const)('starts late at %s', async (provider) => {
    await simulators.admin.changeSettings({ [provider]: { acceptDelayMs: 150 } });
    const startedAt = performance.now();
    const session = await connect(simulators[provider].url, simulators.ca);
    session.destroy();
    // A timer may fire a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThan(148);
  });

  it('refuses an unknown word', async () => {
    const change = { apns: { handshake: 'sloppy' as Handshake } };
    await expect(simulators.admin.changeSettings(change)).rejects.toThrow(/handshake.*http1Only/);
  });
});

describe('spoilt answers', () => {
  let session: ClientHttp2Session;
  let authorization: string;

  beforeAll(async () => {
    authorization = `bearer ${await signProviderToken(simulators.credentials.apns)}`;
  });
  beforeEach(async () => {
    session = await connect(simulators.apns.url, simulators.ca);
  });
  afterEach(() => session.destroy());

  async function push(action: FaultAction): Promise<Outcome> {
    await simulators.admin.setFaults([{ match: {}, action }]);
    const headers = { ':path': '/3/device/ab', authorization, 'apns-topic': 'com.example.app' };
    return send(session, { ...headers, 'apns-collapse-id': 'm1' }, JSON.stringify({ aps: {} }));
  }

  const failure = { status: 500, reason: 'InternalServerError' };
  const whole = '{"reason":"InternalServerError"}';

  it('replace the body of a failure by nothing, half of it or other text', async () => {
    expect(await push({ ...failure, spoil: 'noBody' })).toMatchObject({ status: 500, text: '', rstCode: 0 });
    expect(await push({ ...failure, spoil: 'half' })).toMatchObject({
      status: 500,
      text: whole.slice(0, whole.length / 2),
      rstCode: 0,
    });
    expect(await push({ ...failure, spoil: 'notJson' })).toMatchObject({
      status: 500,
      text: expect.stringMatching(/^<!DOCTYPE/) as string,
      headers: { 'content-type': 'text/html' },
    });
    expect(await simulators.admin.ledger('apns')).toMatchObject({ accepted: 0 });
  });

  it('cut an answer in the body', async () => {
    expect(await push({ ...failure, spoil: 'halfThenReset' })).toMatchObject({
      status: 500,
      text: whole.slice(0, whole.length / 2),
      rstCode: 2,
    });
  });

  it('send headers only: the answer never ends, and the message was accepted', async () => {
    let ended = false;
    const pushed = push({ spoil: 'headersOnly' }).finally(() => (ended = true));
    await until(
      () => simulators.admin.counters(),
      ({ apns }) => apns.answersLost === 1,
    );
    // Answered on the same connection after those headers: further frames of them would have arrived.
    await new Promise<void>((resolve) => session.ping(() => resolve()));
    expect(ended).toBe(false);
    session.destroy();
    const outcome = await pushed;
    expect(outcome.status).toBe(200);
    expect(await simulators.admin.ledger('apns', 'm1')).toMatchObject({ accepted: 1, answersLost: 1 });
  });
});
