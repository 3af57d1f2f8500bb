import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

/**
 * Quotas of an application for campaigns, tags, scheduled messages and devices; those of other applications do not
 * count.
 */

const QUOTAS = {
  QUOTA_CAMPAIGNS: '2',
  QUOTA_TAGS: '2',
  QUOTA_SCHEDULED_MESSAGES: '3',
  QUOTA_DEVICES: '3',
};
const TOMORROW = new Date(Date.now() + 86_400_000).toISOString();
const LATER = { message: { alert: 'later' }, sendAt: TOMORROW };
const CAMPAIGN = {
  name: 'Digest',
  content: { message: { alert: 'hi' } },
  schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Berlin' },
};

const refusalOf = (most: number, things: string, setting: string) => ({
  status: 409,
  body: {
    code: 'CARIL0409E',
    message: `An application can have ${most} ${things} at most (the setting ${setting}).`,
  },
});

describe.each(STAGES)('on $name', (stage) => {
  let carillon: RunningCarillon;
  let clean = (): void => undefined;
  let api: Api;
  let neighbour: Api;

  beforeAll(async () => {
    const prepared = await stage.prepare();
    clean = prepared.clean;
    carillon = await startCarillon({ ...prepared.environment, ...QUOTAS });
    for (const applicationId of ['com.example.full', 'com.example.neighbour'])
      await (await Api.connect(carillon.url)).call('POST', '/apps', { applicationId, name: applicationId });
    api = await Api.connect(carillon.url, 'com.example.full');
    neighbour = await Api.connect(carillon.url, 'com.example.neighbour');
  });
  afterAll(async () => {
    await carillon?.stop();
    clean();
  });

  const device = (id: string, token = id) => ({ deviceId: id, platform: 'A', token: `sandbox:accepted:${token}` });
  const imported = async (lines: unknown[]): Promise<Record<string, unknown>[]> => {
    const body = lines.map((line) => JSON.stringify(line)).join('\n');
    const answer = await api.raw('POST', '/devices:import', body, { 'content-type': 'application/x-ndjson' });
    return (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  it('refuses a campaign or copy beyond the quota, and accepts one again after another was removed', async () => {
    const { body } = await api.app<{ campaignId: string }>('POST', '/campaigns', CAMPAIGN);
    expect((await api.app('POST', '/campaigns', CAMPAIGN)).status).toBe(201);
    const refused = refusalOf(2, 'campaigns', 'QUOTA_CAMPAIGNS');
    expect(await api.app('POST', '/campaigns', CAMPAIGN)).toMatchObject(refused);
    expect(await api.app('POST', `/campaigns/${body.campaignId}/duplicate`)).toMatchObject(refused);
    expect((await neighbour.app('POST', '/campaigns', CAMPAIGN)).status).toBe(201);
    expect((await api.app('PUT', `/campaigns/${body.campaignId}`, { ...CAMPAIGN, name: 'other' })).status).toBe(200);
    await api.app('DELETE', `/campaigns/${body.campaignId}`);
    await vi.waitFor(async () => expect((await api.app('POST', '/campaigns', CAMPAIGN)).status).toBe(201), 20_000);
  });

  it('refuses a scheduled message beyond the quota, and a bulk as a whole; immediate messages and a repeated request pass', async () => {
    const refused = refusalOf(3, 'scheduled messages', 'QUOTA_SCHEDULED_MESSAGES');
    expect(await api.app('POST', '/messages/bulk', [LATER, LATER, LATER, LATER])).toMatchObject(refused);
    expect((await api.app('POST', '/messages/bulk', [LATER, LATER])).status).toBe(202);
    const key = { 'idempotency-key': 'reminder-1' };
    const { body } = await api.app<{ messageId: string }>('POST', '/messages', LATER, key);
    expect(await api.app('POST', '/messages', LATER)).toMatchObject(refused);
    expect((await api.app('POST', '/messages', LATER, key)).body.messageId).toBe(body.messageId);
    expect((await api.app('POST', '/messages', { message: { alert: 'now' } })).status).toBe(202);
    expect((await neighbour.app('POST', '/messages', LATER)).status).toBe(202);
    expect((await api.app('DELETE', `/messages/${body.messageId}`)).status).toBe(204);
    await vi.waitFor(async () => expect((await api.app('POST', '/messages', LATER)).status).toBe(202), 20_000);
  });

  it('refuses a new device beyond the quota; registered devices register again, and a token moves to a new id', async () => {
    for (const id of ['a', 'b', 'c']) expect((await api.app('POST', '/devices', device(id))).status).toBe(201);
    const refused = refusalOf(3, 'devices', 'QUOTA_DEVICES');
    expect(await api.app('POST', '/devices', device('d'))).toMatchObject(refused);
    expect((await api.app('POST', '/devices', { ...device('a', 'other'), userId: 'ann' })).status).toBe(201);
    expect((await api.app('POST', '/devices', device('new-b', 'b'))).status).toBe(201);
    expect((await neighbour.app('POST', '/devices', device('d'))).status).toBe(201);
    const [summary, ...lines] = await imported([device('a'), device('d'), 'no device', device('e')]);
    expect(summary).toMatchObject({ lines: 4, created: 0, updated: 1, rejected: 3 });
    // The trailer follows.
    expect(lines.slice(0, -1).map(({ line, code }) => [line, code])).toEqual([
      [2, 'CARIL0409E'],
      [3, expect.any(String)],
      [4, 'CARIL0409E'],
    ]);
    await api.app('DELETE', '/devices/c');
    await vi.waitFor(async () => expect((await api.app('POST', '/devices', device('d'))).status).toBe(201), 20_000);
  });

  it('refuses a tag beyond the quota, created by a call or by the import of a device', async () => {
    for (const name of ['news', 'sport'])
      expect((await api.app('POST', '/tags', { name, description: '' })).status).toBe(201);
    expect(await api.app('POST', '/tags', { name: 'chess', description: '' })).toMatchObject(
      refusalOf(2, 'tags', 'QUOTA_TAGS'),
    );
    const [summary, line] = await imported([
      { ...device('a'), tagNames: ['news', 'Push.ALL'] },
      { ...device('d'), tagNames: ['sport', 'chess'] },
    ]);
    expect(summary).toMatchObject({ updated: 1, rejected: 1 });
    expect(line).toMatchObject({ line: 2, code: 'CARIL0409E' });
    const { tags } = (await api.app<{ tags: { name: string }[] }>('GET', '/tags')).body;
    expect(tags.map(({ name }) => name)).toEqual(['news', 'sport']);
    expect((await neighbour.app('POST', '/tags', { name: 'chess', description: '' })).status).toBe(201);
  });
});
