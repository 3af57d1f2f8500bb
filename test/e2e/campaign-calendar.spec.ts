import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../harness/api.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from './stages.js';

interface Firing {
  campaignId: string;
  time: string;
  localTime: string;
  notes: { code: string; message: string }[];
}

describe.each(STAGES)('the calendar of campaigns on $name', (stage) => {
  const program = runProgram(stage);
  let api: Api;
  const ids: Record<string, string> = {};

  async function activate(name: string, schedule: object, target?: object): Promise<string> {
    const body = { name, content: { message: { alert: 'Hello' } }, schedule, ...(target && { target }) };
    const made = await api.app<{ campaignId: string }>('POST', '/campaigns', body);
    expect(made.status).toBe(201);
    const id = made.body.campaignId;
    expect((await api.app('POST', `/campaigns/${id}/activate`)).status).toBe(200);
    ids[name] = id;
    return id;
  }

  beforeAll(() => {
    api = program.api;
  });
  afterAll(async () => {
    for (const id of Object.values(ids)) await api.app('DELETE', `/campaigns/${id}`);
  });

  it('lists the firings of a time with the notes of daylight saving, each equal to the preview', async () => {
    const daily = await activate('nine', { cron: '0 9 * * *', timeZone: 'America/New_York' });
    const gap = await activate('gap', { cron: '30 2 28 3 *', timeZone: 'Europe/Berlin', start: '2027-01-01' });
    await api.app('POST', '/campaigns', {
      name: 'a draft',
      content: { message: { alert: 'x' } },
      schedule: { cron: '0 9 * * *' },
    });
    const { status, body } = await api.app<{ firings: Firing[]; incomplete: string[] }>(
      'GET',
      '/campaigns:firings?from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z',
    );
    expect(status).toBe(200);
    expect(body.incomplete).toEqual([]);
    const times = body.firings.filter(({ campaignId }) => campaignId === daily).map(({ time }) => time);
    expect(times).toHaveLength(31);
    expect(times.slice(12, 14)).toEqual(['2027-03-13T14:00:00.000Z', '2027-03-14T13:00:00.000Z']);
    const skipped = body.firings.find(({ campaignId }) => campaignId === gap);
    expect(skipped).toMatchObject({ time: '2027-03-28T01:00:00.000Z', localTime: '2027-03-28T02:30:00' });
    expect(skipped?.notes[0]).toMatchObject({
      code: 'gap',
      message: expect.stringContaining('does not exist in Europe/Berlin') as string,
      localTime: '2027-03-28T03:00:00',
    });
    expect(new Set(body.firings.map(({ campaignId }) => campaignId))).toEqual(new Set([daily, gap]));
    const { body: preview } = await api.app<{ firings: Firing[] }>('GET', `/campaigns/${gap}/preview?count=1`);
    expect(preview.firings[0]).toMatchObject({ time: skipped?.time, notes: skipped?.notes });
  });

  it('lists the next firings of all applications', async () => {
    const each = async (applicationId: string): Promise<string> => {
      await api.call('POST', '/apps', { applicationId });
      const { body } = await api.call<{ campaignId: string }>('POST', `/apps/${applicationId}/campaigns`, {
        name: applicationId,
        content: { message: { alert: 'Hello' } },
        schedule: { cron: '0 0 * * *' },
      });
      await api.call('POST', `/apps/${applicationId}/campaigns/${body.campaignId}/activate`);
      return body.campaignId;
    };
    const [one, other] = [await each('com.example.one'), await each('com.example.other')];
    const { firings } = (
      await api.call<{ firings: (Firing & { applicationId: string })[] }>('GET', '/campaigns:firings')
    ).body;
    expect(firings).toHaveLength(10);
    expect(firings.map(({ time }) => time)).toEqual(firings.map(({ time }) => time).toSorted());
    const both = firings.filter(({ campaignId }) => [one, other].includes(campaignId));
    expect(new Set(both.map(({ applicationId }) => applicationId))).toEqual(
      new Set(['com.example.one', 'com.example.other']),
    );
    for (const applicationId of ['com.example.one', 'com.example.other'])
      expect((await api.call('DELETE', `/apps/${applicationId}`)).status).toBe(204);
  });

  it('names a campaign that fires too often to be listed', async () => {
    const often = await activate('often', { cron: '* * * * *' });
    const { body } = await api.app<{ firings: Firing[]; incomplete: string[] }>(
      'GET',
      '/campaigns:firings?from=2027-03-01T00:00:00Z&to=2027-03-02T00:00:00Z',
    );
    expect(body.incomplete).toEqual([often]);
    expect(body.firings.filter(({ campaignId }) => campaignId === often)).toHaveLength(100);
  });

  it.each([
    ['', 'from'],
    ['?from=2027-03-01T00:00:00Z', 'to'],
    ['?from=2027-03-02T00:00:00Z&to=2027-03-01T00:00:00Z', 'to'],
    ['?from=yesterday&to=2027-03-01T00:00:00Z', 'from'],
  ])('refuses %j', async (query, field) => {
    const { status, body } = await api.app<{ message: string }>('GET', `/campaigns:firings${query}`);
    expect(status).toBe(400);
    expect(body.message).toContain(`'${field}'`);
  });

  it('counts the users that two campaigns share, also by different devices of a user', async () => {
    const devices = [
      { deviceId: 'shared-1', userId: 'uma', platform: 'A', attributes: { plan: 'gold' } },
      { deviceId: 'shared-2', userId: 'uma', platform: 'G', attributes: { plan: 'silver' } },
      { deviceId: 'shared-3', platform: 'A', attributes: { plan: 'gold' } },
      { deviceId: 'shared-4', userId: 'vic', platform: 'A', attributes: { plan: 'silver' } },
    ];
    for (const device of devices) {
      const made = await api.app('POST', '/devices', { ...device, token: `sandbox:accepted:${device.deviceId}` });
      expect(made.status).toBe(201);
    }
    const schedule = { cron: '0 9 * * *' };
    const gold = await activate('gold', schedule, { attributes: { plan: 'gold' } });
    const silver = await activate('silver', schedule, { attributes: { plan: 'silver' } });
    const named = await activate('named', schedule, { deviceIds: ['shared-3'] });
    const { status, body } = await api.app('POST', '/campaigns:shared', { campaignIds: [gold, silver, named] });
    expect(status).toBe(200);
    expect(body).toEqual({
      pairs: [
        { campaignIds: [gold, silver], users: 1 },
        { campaignIds: [gold, named], users: 1 },
      ],
    });
    expect((await api.app('POST', '/campaigns:shared', { campaignIds: [gold] })).status).toBe(400);
    expect((await api.app('POST', '/campaigns:shared', { campaignIds: [gold, 'none'] })).status).toBe(404);
    for (const { deviceId } of devices) await api.app('DELETE', `/devices/${deviceId}`);
  });

  it('of two changes of one revision takes the first', async () => {
    const body = { name: 'edited', content: { message: { alert: 'Hello' } }, schedule: { cron: '0 9 * * *' } };
    const made = await api.app<{ campaignId: string }>('POST', '/campaigns', body);
    const path = `/campaigns/${made.body.campaignId}`;
    const etag = (await api.app('GET', path)).headers.get('etag') ?? '';
    expect(etag).toBe(made.headers.get('etag'));
    const put = (name: string, revision: string) =>
      api.app('PUT', path, { ...body, name }, { 'if-match': revision, 'content-type': 'application/json' });
    // A pause is no change of the definition.
    await api.app('POST', `${path}/activate`);
    await api.app('POST', `${path}/pause`);
    const answers = await Promise.all([put('one', etag), put('other', etag)]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412]);
    const refused = answers.find(({ status }) => status === 412);
    expect(refused?.body.code).toBe('CARIL0412E');
    expect(await put('again', (await api.app('GET', path)).headers.get('etag') ?? '')).toMatchObject({ status: 200 });
    await api.app('DELETE', path);
  });

  it('previews a campaign before it is stored, and stores nothing', async () => {
    const body = {
      name: 'not stored',
      content: { message: { alert: 'Hello' } },
      schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin', start: '2027-10-31' },
      target: { deviceIds: ['anna-phone'] },
    };
    const previewed = await api.app<{ firings: Firing[] }>('POST', '/campaigns:preview?count=1', body);
    expect(previewed).toMatchObject({ status: 200, body: { audience: 1 } });
    expect(previewed.body.firings[0]?.notes[0]?.message).toContain('comes twice in Europe/Berlin');
    const wrong = { ...body, schedule: { cron: '0 25 * * *' } };
    expect(await api.app('POST', '/campaigns:preview', wrong)).toMatchObject({ status: 400 });
    const { body: listed } = await api.app<{ campaigns: { name: string }[] }>('GET', '/campaigns?limit=100');
    expect(listed.campaigns.map(({ name }) => name)).not.toContain('not stored');
  });
});
