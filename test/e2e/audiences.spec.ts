import { describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { STAGES } from './stages.js';

const HELLO = { message: { alert: 'Hello' } };

describe.each(STAGES)('audiences on $name', (stage) => {
  const program = runProgram(stage);

  const count = async (body: unknown) => (await program.api.app('POST', '/audience:count', body)).body;

  it('are counted by platform and provider, with those who get nothing and why', async () => {
    const { api } = program;
    const devices = [
      ['gold-1', 'A', 'gold'],
      ['gold-2', 'G', 'gold'],
      ['silver', 'A', 'silver'],
    ] as const;
    for (const [deviceId, platform, tier] of devices)
      await api.app('POST', '/devices', {
        deviceId,
        platform,
        token: `sandbox:accepted:${deviceId}`,
        userId: tier,
        attributes: { tier },
      });
    // A device that its provider no longer knows.
    await api.app('POST', '/devices', {
      deviceId: 'lost',
      platform: 'A',
      token: 'sandbox:gone:lost',
      userId: 'gold',
    });
    await api.waitFor(await api.send({ ...HELLO, target: { deviceIds: ['lost'] } }));
    const { body: lost } = await api.app('GET', '/devices/lost');
    expect(lost).toMatchObject({ state: 'retired', reason: 'gone' });
    expect(await count({ target: { userIds: ['gold', 'nobody'] } })).toEqual({
      devices: 2,
      byPlatform: { A: 1, G: 1 },
      byProvider: { sandbox: 2 },
      excluded: { gone: 1 },
      exclusions: [{ code: 'retired', reason: 'gone', count: 1 }],
      retired: 1,
      unknown: { count: 1, first: ['nobody'] },
      exact: true,
    });
    expect(await count({ target: { attributes: { tier: 'gold' } } })).toMatchObject({ devices: 2, retired: 0 });
    expect(await count({})).toMatchObject({ devices: 8, retired: 1 });
    const { body: found } = await api.app<{ devices: { deviceId: string }[] }>('GET', '/devices?state=retired');
    expect(found.devices.map(({ deviceId }) => deviceId)).toEqual(['lost']);
  });

  it.each([
    [{ target: { tier: 'gold' } }, 400, 'target.tier'],
    [{ target: { audience: 'nothing' } }, 404, 'target.audience'],
    [{ target: { tagNames: ['nothing'] } }, 404, 'target.tagNames'],
    [{ targets: {} }, 400, 'targets'],
  ])('refuses to count %j', async (body, status, field) => {
    const answer = await program.api.app<{ message: string }>('POST', '/audience:count', body);
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringContaining(field)]);
  });

  it('are saved, changed by one of two editors, and used by name', async () => {
    const { api } = program;
    const saved = await api.app('POST', '/audiences', { name: 'gold', target: { attributes: { tier: 'gold' } } });
    expect(saved).toMatchObject({ status: 201, body: { name: 'gold', description: '' } });
    expect((await api.app('POST', '/audiences', { name: 'gold', target: { platforms: ['A'] } })).status).toBe(409);
    expect((await api.app('POST', '/audiences', { name: 'a/b', target: { platforms: ['A'] } })).status).toBe(400);
    expect((await api.app('POST', '/audiences', { name: 'x', target: { audience: 'gold' } })).status).toBe(400);
    const etag = saved.headers.get('etag') ?? '';
    const change = { description: 'Customers of the first class', target: { attributes: { tier: 'gold' } } };
    const put = (body: unknown) => api.app('PUT', '/audiences/gold', body, { 'if-match': etag });
    const changed = await put(change);
    expect(changed).toMatchObject({ status: 200, body: change });
    const late = await put({ target: { platforms: ['G'] } });
    expect(late).toMatchObject({ status: 412, body: { code: 'CARIL0412E' } });
    expect(late.headers.get('etag')).toBe(changed.headers.get('etag'));
    expect((await api.app('GET', '/audiences')).body).toMatchObject({ audiences: [change] });

    const all = await api.waitFor(await api.send({ ...HELLO, target: { audience: 'gold' } }));
    expect(all.audience).toBe(2);
    const some = await api.waitFor(await api.send({ ...HELLO, target: { audience: 'gold', platforms: ['G'] } }));
    expect(some.audience).toBe(1);
    const { status, body } = await api.app('POST', '/messages/bulk', [{ ...HELLO, target: { audience: 'gold' } }]);
    expect(status).toBe(202);
    const [first] = body.messages as { messageId: string }[];
    expect((await api.waitFor(first!.messageId)).audience).toBe(2);
    const twice = { ...HELLO, target: { audience: 'gold', attributes: { tier: 'silver' } } };
    expect(await api.app('POST', '/messages', twice)).toMatchObject({ status: 400 });
    expect(await api.app('POST', '/messages', { ...HELLO, target: { audience: 'none' } })).toMatchObject({
      status: 404,
    });
    const { body: tried } = await api.app('POST', '/messages', {
      ...HELLO,
      target: { audience: 'gold' },
      dryRun: true,
    });
    expect(tried).toMatchObject({ audience: { total: 2 } });
  });

  it('are taken by a campaign as they are when it fires', async () => {
    const { api } = program;
    const campaign = {
      name: 'c',
      content: HELLO,
      target: { audience: 'gold' },
      schedule: { at: ['2030-01-01T00:00:00Z'] },
    };
    const { body: made } = await api.app<{ campaignId: string }>('POST', '/campaigns', campaign);
    const path = `/campaigns/${made.campaignId}`;
    expect((await api.app('GET', `${path}/preview`)).body).toMatchObject({ audience: 2 });
    await api.app('PUT', '/audiences/gold', { target: { deviceIds: ['silver'] } });
    interface Waves {
      waves: { state: string; reason?: string; messages: { messageId: string }[] }[];
    }
    const fire = async (): Promise<Waves['waves'][number]> => {
      const { body: run } = await api.app<{ runId: string }>('POST', `${path}/run`);
      const { body } = await api.app<Waves>('GET', `${path}/runs/${run.runId}`);
      return body.waves[0]!;
    };
    const [message] = (await fire()).messages;
    const report = await api.waitFor(message!.messageId);
    expect(report.audience).toBe(1);
    expect((await api.app('DELETE', '/audiences/gold')).status).toBe(204);
    expect(await fire()).toMatchObject({
      state: 'skipped',
      reason: expect.stringContaining('gold') as string,
      messages: [],
    });
    const { body: again } = await api.app('POST', '/campaigns', campaign);
    expect(again).toMatchObject({ code: 'FPWSE0001E' });
  });
});
