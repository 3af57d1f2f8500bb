import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { Admin } from '../harness/admin.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { EMBEDDED, STAGES } from './stages.js';

/** An application in front of a MobileFirst server: relayed, divided, switched, and one Carillon behind another. */

const APPLICATION = 'com.example.app';
const MESSAGES_PATH = `/imfpush/v1/apps/${APPLICATION}/messages`;
const CONF = '/settings/upstreamConf';

describe.each(STAGES)('on $name', (stage) => {
  let simulators: RunningSimulators;
  let carillon: RunningCarillon;
  let environment: Record<string, string>;
  let clean: () => void;
  let api: Api;

  beforeAll(async () => {
    simulators = await startSimulators();
    const prepared = await stage.prepare();
    clean = prepared.clean;
    environment = { ...prepared.environment, PROVIDER_CA_FILE: simulators.caPath ?? '' };
    carillon = await startCarillon(environment);
    api = await Api.connect(carillon.url);
  });
  afterAll(async () => {
    await carillon?.stop();
    await simulators?.stop();
    clean?.();
  });
  beforeEach(() => simulators.admin.reset());

  const upstream = () => ({ baseUrl: simulators.mobilefirst.url, ...simulators.credentials.mobilefirst });
  const put = (change: Record<string, unknown> = {}) => api.app('PUT', CONF, { ...upstream(), ...change });
  const relayedBodies = async () =>
    (await simulators.admin.lastAccepted('mobilefirst', 100)).map(({ body }) => body as Record<string, unknown>);
  const taken = async (alert: string) => (await simulators.admin.ledger('mobilefirst', alert)).accepted;

  it('accepts an upstream’s settings, refuses wrong ones by field, and never returns the secret', async () => {
    expect((await api.app('GET', CONF)).status).toBe(404);
    const refused = await put({ secret: 'schlüssel' });
    expect([refused.status, refused.body.code]).toEqual([400, 'FPWSE0005E']);
    expect(refused.body.message).toMatch(/'secret'.*ASCII/);
    for (const body of ['[]', 'null']) expect((await api.app('PUT', CONF, body)).status).toBe(400);
    const { secret, ...visible } = upstream();
    const answers = [await put(), await api.app('GET', CONF)];
    for (const { status, body } of answers) expect([status, body]).toEqual([200, { ...visible, mode: 'upstream' }]);
    expect(carillon.output()).not.toContain(secret);
    const reader = await Api.connect(carillon.url, APPLICATION, `upstreamConf.read push.application.${APPLICATION}`);
    expect([(await reader.app('GET', CONF)).status, (await reader.app('DELETE', CONF)).status]).toEqual([200, 403]);
  });

  it("relays a message with the caller’s body, and shows the upstream's id of it", async () => {
    await put();
    const body = {
      message: { alert: 'Grüße' },
      // Unknown to this server.
      target: { tagNames: ['there-only'] },
      settings: { gcm: { payload: { a: [1, { b: null }] } } },
    };
    const report = await api.waitFor(await api.send({ ...body, ttl: 600 }));
    expect(report).toMatchObject({ alert: 'Grüße', audience: 1, outcomes: { accepted: 1 } });
    const [entry] = await simulators.admin.lastAccepted('mobilefirst', 1);
    expect(entry?.body).toEqual(body);
    expect(report.upstream).toEqual({ outcome: 'accepted', messageId: entry?.providerId });
  });

  it('sends for 200 callers at once with an expired token: one token request, no failed message', async () => {
    await put();
    await api.waitFor(await api.send({ message: { alert: 'first' } }));
    await simulators.admin.expireAccessTokens();
    const before = (await simulators.admin.counters()).mobilefirst.accessTokensIssued;
    const users = Array.from({ length: 200 }, (_, index) => `user-${index}`);
    const ids = await Promise.all(
      users.map((user) => api.send({ message: { alert: `to ${user}` }, target: { userIds: [user] } })),
    );
    const reports = [];
    for (const id of ids) reports.push(await api.waitFor(id));
    expect(reports.filter(({ outcomes }) => outcomes.accepted !== 1)).toEqual([]);
    const { accessTokensIssued, answers } = (await simulators.admin.counters()).mobilefirst;
    expect([accessTokensIssued - before, answers['401 401'] ?? 0]).toEqual([1, expect.any(Number)]);
    expect(answers['401 401']).toBeGreaterThan(0);
    expect(await simulators.admin.ledger('mobilefirst')).toMatchObject({ accepted: 201, repeats: 0 });
  });

  it('pauses at its upstream for a wrong secret, reports it, and continues with the right one', async () => {
    await put({ secret: 'wrong' });
    const id = await api.send({ message: { alert: 'patience' } });
    await api.waitFor(id, ({ state }) => state === 'paused');
    expect((await api.app('GET', CONF)).body.pausedReason).toMatch(/invalid_client.*client id.*upstreamConf/);
    const { body } = await api.app<{ providers: { provider: string; pausedReason?: string }[] }>('GET', '/providers');
    expect(body.providers.find(({ provider }) => provider === 'upstream')?.pausedReason).toContain('invalid_client');
    await put();
    expect((await api.waitFor(id)).upstream).toMatchObject({ outcome: 'accepted' });
    expect(await taken('patience')).toBe(1);
  });

  it('does not repeat a message that the upstream may have accepted, unless the caller asks for it', async () => {
    await put();
    await simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { acceptThenCut: true }, times: 2 }]);
    const held = await api.waitFor(await api.send({ message: { alert: 'held' } }));
    expect(held).toMatchObject({ state: 'finished', outcomes: { unknown: 1 }, upstream: { outcome: 'unknown' } });
    expect(held.upstream?.reason).toBeDefined();
    const again = await api.waitFor(await api.send({ message: { alert: 'again' }, onUnknown: 'resend' }));
    expect(again.upstream?.outcome).toBe('accepted');
    expect([await taken('held'), await taken('again')]).toEqual([1, 2]);
    // An operator decides about the first.
    const resent = await api.app<{ messageId: string }>('POST', `/messages/${held.messageId}/resend`, {
      outcomes: ['unknown'],
    });
    expect((await api.waitFor(resent.body.messageId)).upstream?.outcome).toBe('accepted');
    expect(await taken('held')).toBe(2);
  });

  it('is switched while messages are open: those keep their route, the next ones use the new one', async () => {
    await put();
    await simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { status: 503 } }]);
    const ids = [];
    for (let index = 0; index < 10; index++) ids.push(await api.send({ message: { alert: `before ${index}` } }));
    await api.waitFor(ids[0]!, ({ upstream: relay }) => relay?.reason !== undefined);
    const { secret: _secret, ...known } = upstream();
    expect((await api.app('PUT', CONF, { ...known, mode: 'direct' })).body).toEqual({ ...known, mode: 'direct' });

    const direct = await api.waitFor(await api.send({ message: { alert: 'after' } }));
    expect(direct).toMatchObject({ audience: 5, outcomes: { accepted: 5 } });
    expect(direct.upstream).toBeUndefined();
    const refused = await api.app<{ code: string; message: string }>('DELETE', CONF);
    expect([refused.status, refused.body.code]).toEqual([409, 'CARIL0409E']);
    expect(refused.body.message).toContain('Unfinished messages still need');

    await simulators.admin.clearFaults();
    for (const id of ids) expect((await api.waitFor(id)).upstream?.outcome).toBe('accepted');
    for (let index = 0; index < 10; index++) expect(await taken(`before ${index}`)).toBe(1);
    expect(await taken('after')).toBe(0);
    expect((await api.app('DELETE', CONF)).status).toBe(204);
    expect((await api.app('GET', CONF)).status).toBe(404);
  });

  it('divides users and devices by a stable share, and no user is on both routes', async () => {
    const users = Array.from({ length: 40 }, (_, index) => `shared-${index}`);
    const [here, there] = [users.slice(0, 30), users.slice(30)];
    await api.registerDevices(
      here.map((userId) => ({
        deviceId: `device-of-${userId}`,
        platform: 'A',
        token: `sandbox:accepted:${userId}`,
        userId,
      })),
    );
    await put({ mode: 'both', share: 50 });
    const divide = async (target: Record<string, unknown>, list: string) => {
      const report = await api.waitFor(await api.send({ message: { alert: 'divided' }, target }));
      const [body] = await relayedBodies();
      const { [list]: relayed, ...beside } = (body?.target ?? {}) as Record<string, string[]>;
      expect(report.outcomes.accepted).toBe(report.audience);
      expect(report.upstream?.outcome).toBe('accepted');
      return { direct: report.audience - 1, relayed: relayed ?? [], beside };
    };
    const first = await divide({ userIds: users, platforms: ['A'] }, 'userIds');
    expect(first.beside).toEqual({ platforms: ['A'] });
    // A user that is not registered here is in no share.
    expect(there.filter((user) => !first.relayed.includes(user))).toEqual([]);
    expect(first.direct + first.relayed.length).toBe(users.length);
    expect(first.direct).toBeGreaterThan(5);
    expect(first.direct).toBeLessThan(25);
    expect(await divide({ userIds: users }, 'userIds')).toEqual({ ...first, beside: {} });

    // A device takes its user's route.
    const devices = await divide({ deviceIds: users.map((user) => `device-of-${user}`) }, 'deviceIds');
    expect(devices.relayed.toSorted()).toEqual(first.relayed.map((user) => `device-of-${user}`).toSorted());
    expect(devices.direct).toBe(first.direct);

    // On platforms where only the upstream knows the user, the message goes upstream.
    expect((await divide({ userIds: users, platforms: ['A', 'G'] }, 'userIds')).direct).toBe(first.direct);
    const elsewhere = await api.waitFor(
      await api.send({ message: { alert: 'android' }, target: { userIds: users, platforms: ['G'] } }),
    );
    expect(elsewhere).toMatchObject({ audience: 1, upstream: { outcome: 'accepted' } });

    await put({ mode: 'both', share: 100 });
    const all = await api.waitFor(await api.send({ message: { alert: 'ours' }, target: { userIds: here } }));
    expect([all.audience, all.upstream]).toEqual([here.length, undefined]);
  });

  it('relays a message as a whole if it cannot be divided, and reports it', async () => {
    await put({ mode: 'both', share: 50 });
    for (const target of [undefined, { tagNames: ['sport'] }, { platforms: ['A'] }]) {
      const body = { message: { alert: 'whole' }, ...(target && { target }) };
      const sent = await api.app<{ messageId: string; warnings: string[] }>('POST', '/messages', body);
      expect(sent.body.warnings).toEqual([expect.stringContaining('the upstream gets the whole message')]);
      expect(await api.waitFor(sent.body.messageId)).toMatchObject({ audience: 1, upstream: { outcome: 'accepted' } });
    }
    expect(
      (await relayedBodies()).filter(({ message }) => (message as { alert: string }).alert === 'whole').length,
    ).toBe(3);
  });

  it('a dry run reports what would go to the upstream, and what would stop it there', async () => {
    await put({ mode: 'upstream', secret: 'wrong' });
    const id = await api.send({ message: { alert: 'stuck' } });
    await api.waitFor(id, ({ state }) => state === 'paused');
    const dry = async (target?: object, change = {}) => {
      const body = { message: { alert: 'tried' }, ...(target && { target }), ...change, dryRun: true };
      return (await api.app('POST', '/messages', body)).body;
    };
    const known = 'its number of devices is known only there.';
    const whole = { audience: { total: null, providers: {} }, excluded: {} };
    // The tag is unknown here, and need not be known.
    expect(await dry({ tagNames: ['there-only'] })).toMatchObject({
      ...whole,
      upstream: { whole: true },
      blocked: [
        {
          provider: 'upstream',
          code: 'providerPaused',
          reason: expect.stringMatching(/^paused: .*invalid_client/) as string,
          pausedReason: expect.stringMatching(/invalid_client/) as string,
        },
      ],
      warnings: [`The whole message would be relayed to the upstream; ${known}`],
    });
    await put();
    await api.waitFor(id);
    const some = { userIds: ['there-1', 'there-2'] };
    expect(await dry(some)).toMatchObject({ ...whole, upstream: { whole: true, ids: 2, of: 2 }, blocked: [] });
    expect(await dry(some, { message: { alert: '{{name}}' } })).toMatchObject({ code: 'FPWSE0005E' });

    await api.registerDevices([
      { deviceId: 'dry-1', platform: 'A', token: 'sandbox:accepted:dry-1', userId: 'dry' },
      { deviceId: 'dry-2', platform: 'A', token: 'sandbox:accepted:dry-2', userId: 'dry' },
    ]);
    await put({ mode: 'both', share: 100 });
    expect(await dry()).toMatchObject({ ...whole, upstream: { whole: true } });
    expect(await dry({ userIds: ['dry', ...some.userIds] })).toMatchObject({
      audience: { total: null, providers: { sandbox: 2 } },
      upstream: { whole: false, ids: 2, of: 3 },
      warnings: [`The message to 2 of the 3 ids of the target would be relayed to the upstream; ${known}`],
      warningDetails: [{ code: 'relayed', count: 2, of: 3 }],
    });
    const here = await dry({ userIds: ['dry'] });
    expect(here).toMatchObject({ audience: { total: 2 }, warnings: [] });
    expect(here).not.toHaveProperty('upstream');
    expect(await taken('tried')).toBe(0);
  });

  it('a scheduled message waits for its time on this route too, and is shown so', async () => {
    await put({ mode: 'upstream' });
    const sendAt = new Date(Date.now() + 3_000).toISOString();
    const id = await api.send({ message: { alert: 'later' }, sendAt });
    const listed = async (state: string) => {
      const { body } = await api.app<{ messages: { messageId: string }[] }>('GET', `/messages?state=${state}`);
      return body.messages.filter(({ messageId }) => messageId === id).length;
    };
    expect(await api.message(id)).toMatchObject({ state: 'scheduled', outcomes: { pending: 1 } });
    expect([await listed('scheduled'), await listed('sending')]).toEqual([1, 0]);
    expect((await api.app('POST', `/messages/${id}/pause`)).status).toBe(204);
    expect([await listed('scheduled'), await listed('paused')]).toEqual([0, 1]);
    expect((await api.app('POST', `/messages/${id}/resume`)).status).toBe(204);
    expect(await api.waitFor(id)).toMatchObject({ upstream: { outcome: 'accepted' } });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(sendAt));
  });

  it('notices that it relays to itself', async () => {
    await put({ baseUrl: carillon.url, clientId: 'test', secret: 'test' });
    const report = await api.waitFor(await api.send({ message: { alert: 'round and round' } }));
    expect(report).toMatchObject({ outcomes: { failed: 1 }, upstream: { reason: 'HTTP 409 CARIL0409E' } });
    await put();
  });

  it('repeats nothing after a crash with an open request', async () => {
    await put();
    await simulators.admin.setFaults([{ match: { path: MESSAGES_PATH }, action: { delayMs: 3_000 } }]);
    const id = await api.send({ message: { alert: 'crash' } });
    await api.waitFor(id, ({ outcomes }) => outcomes.inFlight === 1);
    await expect.poll(async () => (await simulators.admin.listFaults())[0]?.fired).toBe(1);
    await carillon.kill();
    carillon = await startCarillon(environment);
    api = await Api.connect(carillon.url);
    const report = await api.waitFor(id);
    expect(report).toMatchObject({ outcomes: { unknown: 1 }, upstream: { reason: 'the worker was lost' } });
    expect((await simulators.admin.listFaults())[0]?.fired).toBe(1);
  });
});

describe('one Carillon in front of another', () => {
  let back: RunningCarillon;
  let front: RunningCarillon;
  const cleaners: (() => void)[] = [];
  const start = async (): Promise<RunningCarillon> => {
    const { environment, clean } = await EMBEDDED.prepare();
    cleaners.push(clean);
    return startCarillon(environment);
  };

  beforeAll(async () => {
    [back, front] = await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    await Promise.all([back?.stop(), front?.stop()]);
    for (const clean of cleaners) clean();
  });

  it('relays as to MobileFirst, and both sides report a scope that is too narrow', async () => {
    const [theirs, ours] = await Promise.all([Api.connect(back.url), Api.connect(front.url)]);
    const secret = await new Admin(back.url).addClient('front', 'messages.write');
    const settings = { baseUrl: `${back.url}/mfp`, clientId: 'front', secret };
    expect((await ours.app('PUT', CONF, settings)).status).toBe(200);
    const id = await ours.send({ message: { alert: 'to the five over there' } });
    await ours.waitFor(id, ({ state }) => state === 'paused');
    expect((await ours.app('GET', CONF)).body.pausedReason).toMatch(
      /invalid_scope.*push\.application\.com\.example\.app/,
    );

    await new Admin(back.url).call('PATCH', '/confidentialclients/front', {
      allowedScope: 'messages.write push.application.com.example.*',
    });
    expect((await ours.app('POST', '/providers/upstream/resume')).status).toBe(204);
    const relayed = await ours.waitFor(id);
    expect(relayed).toMatchObject({ audience: 1, outcomes: { accepted: 1 } });
    const arrived = await theirs.waitFor(relayed.upstream?.messageId ?? '');
    expect(arrived).toMatchObject({ alert: 'to the five over there', audience: 5, outcomes: { accepted: 5 } });
  });
});
