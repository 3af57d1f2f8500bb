import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

/** Campaigns over the API of the built program, sent to the sandbox. */

interface Campaign {
  campaignId: string;
  state: string;
  nextTime?: string;
}
interface Run {
  runId: string;
  state: string;
  audience: number;
  outcomes: Record<string, number>;
  scheduledTime: string;
}

describe.each(STAGES)('on $name', (stage) => {
  let carillon: RunningCarillon;
  let api: Api;
  let clean = (): void => undefined;

  beforeAll(async () => {
    const prepared = await stage.prepare();
    clean = prepared.clean;
    carillon = await startCarillon(prepared.environment);
    api = await Api.connect(carillon.url);
  });
  afterAll(async () => {
    await carillon?.stop();
    clean();
  });

  const body = (change: Record<string, unknown> = {}) => ({
    name: 'Digest',
    content: { message: { alert: 'hi' } },
    schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Berlin' },
    ...change,
  });

  it('a moment that comes is a delivered message, and the campaign has finished', async () => {
    const at = new Date(Date.now() + 2_000).toISOString();
    const { body: made } = await api.app<Campaign>('POST', '/campaigns', body({ schedule: { at: [at] } }));
    await api.app('POST', `/campaigns/${made.campaignId}/activate`);
    const run = await vi.waitFor(
      async () => {
        const { body: answer } = await api.app<{ runs: Run[] }>('GET', `/campaigns/${made.campaignId}/runs`);
        expect(answer.runs[0]?.outcomes.accepted).toBe(5);
        return answer.runs[0];
      },
      { timeout: 60_000, interval: 200 },
    );
    expect(run).toMatchObject({ state: 'sent', audience: 5, scheduledTime: at });
    const { body: told } = await api.app<Run & { waves: { messages: { messageId: string }[] }[] }>(
      'GET',
      `/campaigns/${made.campaignId}/runs/${run?.runId}`,
    );
    const [message] = told.waves[0]?.messages ?? [];
    expect(await api.app('GET', `/messages/${message?.messageId}`)).toMatchObject({
      status: 200,
      body: { alert: 'hi' },
    });
    expect((await api.app<Campaign>('GET', `/campaigns/${made.campaignId}`)).body.state).toBe('finished');
  });

  it('placeholders get the values of devices; a device without a value gets the default, or a reason', async () => {
    for (const [name, attributes] of [
      ['named', { name: 'Ann' }],
      ['nameless', {}],
    ] as const) {
      const device = { deviceId: name, platform: 'A', token: `sandbox:accepted:${name}`, language: 'de', attributes };
      expect((await api.app('POST', '/devices', device)).status).toBe(201);
    }
    const target = { deviceIds: ['named', 'nameless'] };
    const runOf = async (alert: string): Promise<Run> => {
      const made = await api.app<Campaign>('POST', '/campaigns', body({ content: { message: { alert } }, target }));
      expect(made.status).toBe(201);
      const path = `/campaigns/${made.body.campaignId}`;
      expect((await api.app('POST', `${path}/run`)).status).toBe(202);
      return vi.waitFor(
        async () => {
          const { outcomes, ...run } = (await api.app<{ runs: Run[] }>('GET', `${path}/runs`)).body.runs[0]!;
          expect(outcomes.accepted! + outcomes.failed!).toBe(2);
          return { ...run, outcomes };
        },
        { timeout: 60_000, interval: 200 },
      );
    };
    expect((await runOf('Hello {{name|there}} in {{language}}')).outcomes).toMatchObject({ accepted: 2 });
    expect((await runOf('Hello {{name}}')).outcomes).toMatchObject({ accepted: 1, failed: 1 });
    // A dry run and a preview report it before, for each variant and language.
    const missing = { "missing value 'name'": 1 };
    const send = { message: { alert: 'Hello {{name}} in {{language}}' }, target, dryRun: true };
    const dry = await api.app('POST', '/messages', send);
    expect(dry.body).toMatchObject({ audience: { total: 1 }, excluded: missing });
    const withDefault = { ...send, message: { alert: 'Hello {{name|there}}' } };
    expect((await api.app('POST', '/messages', withDefault)).body).toMatchObject({
      audience: { total: 2 },
      excluded: {},
    });
    const inTwo = {
      content: { message: { alert: 'Hello {{name|there}}' } },
      languages: { de: { message: { alert: 'Hallo {{name}}' } }, fr: { message: { alert: 'Salut {{name}}' } } },
      split: [{ name: 'A', share: 100 }],
      target,
    };
    const made = await api.app<Campaign>('POST', '/campaigns', body(inTwo));
    const preview = await api.app('GET', `/campaigns/${made.body.campaignId}/preview`);
    expect(preview.body).toMatchObject({
      audience: 1,
      excluded: missing,
      messages: [
        { variant: 'A', language: 'de', audience: 1, excluded: missing },
        { variant: 'A', language: 'fr', audience: 0, excluded: {} },
        { variant: 'A', language: null, audience: 0, excluded: {} },
      ],
    });
    const { body: told } = await api.app<{ messages: { reason?: string }[] }>('GET', '/devices/nameless/messages');
    expect(told.messages[0]?.reason).toBe("missing value 'name'");
    for (const deviceId of target.deviceIds) await api.app('DELETE', `/devices/${deviceId}`);
  });

  it('is created, read, changed, copied, run, paused, resumed and removed', async () => {
    const made = await api.app<Campaign>('POST', '/campaigns', body());
    expect(made).toMatchObject({ status: 201, body: { state: 'draft', name: 'Digest' } });
    const path = `/campaigns/${made.body.campaignId}`;
    const word = (verb: string) => api.app<Campaign>('POST', `${path}/${verb}`);
    expect(await word('pause')).toMatchObject({ status: 409, body: { code: 'CARIL0409E' } });
    expect(await word('activate')).toMatchObject({ status: 200, body: { state: 'active' } });
    const changed = await api.app<Campaign>('PUT', path, body({ schedule: { cron: '0 9 * * TUE' } }));
    expect(new Date(changed.body.nextTime ?? '').getUTCDay()).toBe(2);
    expect(await word('pause')).toMatchObject({ status: 200, body: { state: 'paused' } });
    expect(await word('run')).toMatchObject({ status: 202, body: { manual: true } });
    expect(await word('resume')).toMatchObject({ status: 200, body: { state: 'active' } });
    expect(await word('duplicate')).toMatchObject({ status: 201, body: { state: 'draft', name: 'Digest (copy)' } });
    const preview = await api.app('GET', `${path}/preview?count=3`);
    expect(preview).toMatchObject({ status: 200, body: { audience: 5 } });
    expect(preview.body.firings).toHaveLength(3);
    const listed = await api.app<{ campaigns: Campaign[] }>('GET', '/campaigns?limit=100');
    expect(listed.body.campaigns.map(({ campaignId }) => campaignId)).toContain(made.body.campaignId);
    expect([200, 204]).toContain((await api.app('DELETE', path)).status);
    expect((await api.app('GET', path)).status).toBe(404);
    expect(await api.app('GET', `/campaigns?after=${made.body.campaignId}`)).toMatchObject({
      status: 400,
      body: { code: 'FPWSE0005E', message: expect.stringContaining("'after'") as string },
    });
  });

  it('a repeated run by hand under one Idempotency-Key is one run, with any overlap rule', async () => {
    const { body: made } = await api.app<Campaign>('POST', '/campaigns', body({ policies: { overlap: 'skip' } }));
    const path = `/campaigns/${made.campaignId}`;
    const run = (key?: string) =>
      api.app<Run>('POST', `${path}/run`, undefined, key === undefined ? {} : { 'idempotency-key': key });
    const twice = await Promise.all([run('k-1'), run('k-1')]);
    const again = await run('k-1');
    expect([...twice, again].map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set([...twice, again].map(({ body: { runId } }) => runId)).size).toBe(1);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const listed = await api.app<{ runs: Run[] }>('GET', `${path}/runs`);
    expect(listed.body.runs).toHaveLength(1);
    expect((await run('k-2')).body.runId).not.toBe(again.body.runId);
    expect(await run('no key')).toMatchObject({ status: 400, body: { code: 'FPWSE0005E' } });
    expect(await api.app('POST', `${path}/run?userIds=ann`)).toMatchObject({
      status: 400,
      body: { code: 'FPWSE0007E' },
    });
    expect(await api.app('POST', `${path}/run`, { target: { userIds: ['ann'] } })).toMatchObject({ status: 400 });
    const { body: after } = await api.app<{ runs: Run[] }>('GET', `${path}/runs`);
    expect(after.runs).toHaveLength(2);
  });

  it('a repeated creation, copy or test under one Idempotency-Key acts once; another request under it is refused', async () => {
    const post = (path: string, what: unknown, key: string) =>
      api.app<Campaign & { code: string; messages: { messageId: string }[] }>('POST', path, what, {
        'idempotency-key': key,
      });
    const create = (name = 'Once') => post('/campaigns', body({ name }), 'create');
    const made = [...(await Promise.all([create(), create(), create()])), await create()];
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(made.map((each) => each.body.campaignId)).size).toBe(1);
    expect(made.map(({ headers }) => headers.get('idempotent-replayed')).filter(Boolean)).toHaveLength(3);
    expect(made[3]?.headers.get('etag')).toBe(made[0]?.headers.get('etag'));
    expect(await create('Another')).toMatchObject({ status: 409, body: { code: 'FPWSE0002E' } });
    expect(await post('/campaigns', body(), 'no key')).toMatchObject({ status: 400, body: { code: 'FPWSE0005E' } });

    const path = `/campaigns/${made[0]?.body.campaignId}`;
    const copies = await Promise.all(['copy', 'copy', 'other'].map((key) => post(`${path}/duplicate`, {}, key)));
    expect(copies.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(copies.map((each) => each.body.campaignId)).size).toBe(2);
    expect((await post(`${path}/duplicate`, { name: 'Named' }, 'copy')).body.code).toBe('FPWSE0002E');

    const split = [
      { name: 'A', share: 50 },
      { name: 'B', share: 50 },
    ];
    await api.app('PUT', path, body({ split }));
    const test = (deviceIds = ['anna-phone']) => post(`${path}/test`, { deviceIds }, 'test');
    const tests = [...(await Promise.all([test(), test()])), await test()];
    expect(tests.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(tests[0]?.body.messages).toHaveLength(2);
    expect(new Set(tests.map((each) => JSON.stringify(each.body.messages))).size).toBe(1);
    expect(tests[2]?.headers.get('idempotent-replayed')).toBe('true');
    expect(await test(['ben-phone'])).toMatchObject({ status: 409, body: { code: 'FPWSE0002E' } });
    for (const each of [made[0], ...copies]) await api.app('DELETE', `/campaigns/${each?.body.campaignId}`);
  });

  it('a campaign that is removed while it sends names its messages, and cancels them if asked', async () => {
    const stuck = { deviceId: 'stuck', platform: 'A', token: 'sandbox:throttled-forever:stuck' };
    await api.app('POST', '/devices', stuck);
    const target = { deviceIds: ['stuck'] };
    const fire = async () => {
      const { body: made } = await api.app<Campaign>('POST', '/campaigns', body({ target }));
      const path = `/campaigns/${made.campaignId}`;
      const { body: run } = await api.app<Run>('POST', `${path}/run`);
      const told = await api.app<{ waves: { messages: { messageId: string }[] }[] }>(
        'GET',
        `${path}/runs/${run.runId}`,
      );
      return { path, messageId: told.body.waves[0]?.messages[0]?.messageId ?? '' };
    };
    const stateOf = async (messageId: string) =>
      (await api.app<{ state: string }>('GET', `/messages/${messageId}`)).body.state;

    const left = await fire();
    // A second run beside the first one is reported.
    expect((await api.app('POST', `${left.path}/run`)).body.warnings).toEqual([
      expect.stringContaining('this run is concurrent'),
    ]);
    const goesOn = await api.app<{ messages: { messageId: string; state: string }[] }>('DELETE', left.path);
    expect([goesOn.status, goesOn.body.messages.length]).toEqual([200, 2]);
    expect(goesOn.body.messages.map(({ messageId }) => messageId)).toContain(left.messageId);
    expect(await stateOf(left.messageId)).not.toBe('cancelled');
    for (const { messageId } of goesOn.body.messages) await api.app('DELETE', `/messages/${messageId}`);

    const stopped = await fire();
    expect(await api.app('DELETE', `${stopped.path}?cancel=all`)).toMatchObject({ status: 400 });
    const cancelled = await api.app('DELETE', `${stopped.path}?cancel=true`);
    expect(cancelled).toMatchObject({
      status: 200,
      body: { messages: [{ messageId: stopped.messageId, state: 'cancelled' }] },
    });
    expect(await stateOf(stopped.messageId)).toBe('cancelled');
    expect((await api.app('GET', stopped.path)).status).toBe(404);
    await api.app('DELETE', '/devices/stuck');
  });

  it('warns about unknown fields of the content, and refuses them under strict handling', async () => {
    const odd = body({ content: { message: { alert: 'hi', mood: 'good' } } });
    expect(await api.app('POST', '/campaigns', odd)).toMatchObject({
      status: 201,
      body: { warnings: [expect.stringContaining('message.mood') as string] },
    });
    const strictly = await api.app('POST', '/campaigns', odd, { prefer: 'handling=strict' });
    expect(strictly).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("'message.mood'") as string },
    });
    const applied = await api.app('POST', '/campaigns', body(), { prefer: 'handling=strict' });
    expect([applied.status, applied.headers.get('preference-applied')]).toEqual([201, 'handling=strict']);
    expect((await api.app('PUT', '/status', { enabled: true, strict: true })).status).toBe(200);
    expect(await api.app('POST', '/campaigns', odd)).toMatchObject({ status: 400 });
    const send = { message: { alert: 'hi', mood: 'good' }, target: { userIds: ['nobody'] } };
    expect(await api.app('POST', '/messages', send)).toMatchObject({ status: 400 });
    expect(await api.app('POST', '/messages/bulk', [send])).toMatchObject({ status: 400 });
    expect((await api.app('PUT', '/status', { enabled: true, strict: false })).status).toBe(200);
    expect(await api.app('POST', '/messages', send)).toMatchObject({ status: 202 });
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'users in the message and in the content',
      { content: { message: { alert: 'x' }, userIds: ['ann'] } },
      "'userIds'",
    ],
    ['a date that does not exist', { schedule: { cron: '0 0 30 2 *' } }, "'schedule.cron'"],
    ['no schedule', { schedule: {} }, "'schedule'"],
    ['an invalid schedule', { schedule: 'daily' }, "'schedule'"],
    ['an unknown time zone', { schedule: { cron: '0 0 * * *', timeZone: 'Mars' } }, "'schedule.timeZone'"],
    ['a target in the content', { content: { message: { alert: 'x' }, target: {} } }, "'content.target'"],
    ['content without an alert', { content: { message: {} } }, "'message.alert'"],
    ['an invalid language', { languages: { 'no language': {} } }, "'languages'"],
    [
      'shares over 100 %',
      {
        split: [
          { name: 'A', share: 60 },
          { name: 'B', share: 60 },
        ],
      },
      "'split'",
    ],
    ['a share without users', { split: [{ name: 'A', share: 0 }] }, "'split.0.share'"],
    ['two rates', { policies: { ratePerSecond: 1, spreadSeconds: 1 } }, "'policies'"],
    [
      'invalid quiet hours',
      { policies: { quietHours: { from: '8', to: '9', action: 'hold' } } },
      "'policies.quietHours.from'",
    ],
    ['an unknown policy', { policies: { catchup: 'all' } }, "'policies.catchup'"],
    ['an unknown field', { schedul: {} }, "'schedul'"],
    ['an invalid target', { target: { language: 'de' } }, "'target.language'"],
    ['an empty target', { target: {} }, "'target'"],
  ])('refuses %s by its field', async (_what, change, field) => {
    const answer = await api.app('POST', '/campaigns', body(change));
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain(field);
  });

  it('refuses to activate a campaign that would never fire again', async () => {
    const { body: made } = await api.app<Campaign>(
      'POST',
      '/campaigns',
      body({ schedule: { at: ['2020-01-01T00:00Z'] } }),
    );
    const answer = await api.app('POST', `/campaigns/${made.campaignId}/activate`);
    expect(answer).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('every time has passed') as string },
    });
  });

  it('the scope for reading does not permit writing', async () => {
    const reader = await Api.connect(
      carillon.url,
      'com.example.app',
      'campaigns.read push.application.com.example.app',
    );
    expect((await reader.app('GET', '/campaigns')).status).toBe(200);
    expect((await reader.app('POST', '/campaigns', body())).status).toBe(403);
  });
});
