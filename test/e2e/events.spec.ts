import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from './stages.js';

/** The feed of an application's events. */

interface Event {
  type: string;
  id: string;
  timestamp: string;
  data: Record<string, unknown> & { deliveries?: { deviceId: string; reason?: string }[] };
}
interface Page {
  events: Event[];
  cursor: string;
}

const COUNTED = ['accepted', 'rejected', 'failed', 'expired', 'unknown'] as const;

describe.each(STAGES)('on $name', (stage) => {
  const program = runProgram(stage);
  const read = (query: string) => program.api.app<Page>('GET', `/events?${query}`);
  const want = (body: object) => program.api.app('PUT', '/events/feed', body);
  const latest = async () => (await read('after=latest&wait=0')).body.cursor;
  /** Reads on until the condition holds. */
  const follow = async (after: string, isEnd: (events: Event[]) => boolean, types = '*'): Promise<Page> => {
    const events: Event[] = [];
    for (let cursor = after; ;) {
      const { status, body } = await read(`after=${cursor}&types=${types}`);
      expect(status).toBe(200);
      events.push(...body.events);
      cursor = body.cursor;
      if (isEnd(events)) return { events, cursor };
    }
  };
  const ends = (id: string) => (events: Event[]) =>
    events.some(({ type, data }) => type === 'message.finished' && data.messageId === id);
  beforeAll(async () => {
    const everything = { eventTypes: '*' };
    await want(everything);
  });

  it('a message has its events in their order, and the deliveries add up to the report', async () => {
    const cursor = await latest();
    const devices = ['one', 'two', 'é😀'].map((name) => ({
      deviceId: `feed-${name}`,
      platform: 'G',
      token: `sandbox-${encodeURIComponent(name)}`,
    }));
    await program.api.registerDevices(devices);
    const label = 'é😀\u2028</script>';
    const id = await program.api.send({ message: { alert: 'secret text' }, label });
    const { events } = await follow(cursor, ends(id));
    const own = events.filter(({ data }) => data.messageId === id);
    expect(own.map(({ type }) => type).filter((type) => type.startsWith('message.'))).toEqual([
      'message.accepted',
      'message.started',
      'message.finished',
    ]);
    expect(own.at(-1)?.type).toBe('message.finished');
    const report = await program.api.message(id);
    const finished = own.at(-1)?.data;
    expect(finished).toMatchObject({ label, state: 'finished', audience: report.audience });
    for (const outcome of COUNTED) {
      const lots = own.filter(({ type }) => type === `delivery.${outcome}`);
      const told = lots.flatMap(({ data }) => data.deliveries ?? []);
      expect(told).toHaveLength(report.outcomes[outcome] ?? 0);
      expect(lots.reduce((sum, { data }) => sum + Number(data.count), 0)).toBe(told.length);
      expect((finished?.outcomes as Record<string, number> | undefined)?.[outcome]).toBe(report.outcomes[outcome]);
    }
    expect(own.flatMap(({ data }) => data.deliveries ?? []).map(({ deviceId }) => deviceId)).toEqual(
      expect.arrayContaining(devices.map(({ deviceId }) => deviceId)),
    );
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
    expect(JSON.stringify(events)).not.toMatch(/secret text|sandbox-/);
  });

  it('a device and its subscriptions have events; a token that moves names both device ids', async () => {
    const cursor = await latest();
    const device = { deviceId: 'moving', platform: 'G', token: 'sandbox-moving', userId: 'ann' };
    await program.api.registerDevices([device]);
    await program.api.registerDevices([device]);
    await program.api.registerDevices([{ ...device, userId: 'bob' }]);
    await program.api.app('POST', '/tags', { name: 'news', description: '' });
    await program.api.app('POST', '/subscriptions', { deviceId: 'moving', tagName: 'news' });
    await program.api.app('DELETE', '/subscriptions?deviceId=moving&tagName=news');
    await program.api.registerDevices([{ ...device, deviceId: 'moved' }]);
    await program.api.app('DELETE', '/devices/moved');
    const { events } = await follow(cursor, (all) =>
      all.some(({ data }) => data.reason === 'removed' && data.deviceId === 'moved'),
    );
    const own = events.filter(({ data }) => data.deviceId === 'moving' || data.deviceId === 'moved');
    expect(
      own.map(({ type, data }) => [type, data.deviceId, data.tagName ?? data.fromDeviceId ?? data.reason]),
    ).toEqual([
      ['device.registered', 'moving', undefined],
      ['device.changed', 'moving', undefined],
      ['subscription.added', 'moving', 'news'],
      ['subscription.removed', 'moving', 'news'],
      ['device.moved', 'moved', 'moving'],
      ['device.retired', 'moving', 'removed'],
      ['device.registered', 'moved', undefined],
      ['device.retired', 'moved', 'removed'],
    ]);
  });

  it('a reader that waits is answered soon after the commit; one of other types is not', async () => {
    const cursor = await latest();
    const other = read(`after=${cursor}&types=campaign.run.finished&wait=3`);
    const started = performance.now();
    const waiting = read(`after=${cursor}&types=device.*`);
    await delay(200);
    await program.api.registerDevices([{ deviceId: 'late', platform: 'G', token: 'sandbox-late' }]);
    expect((await waiting).body.events).toMatchObject([{ type: 'device.registered', data: { deviceId: 'late' } }]);
    expect(performance.now() - started).toBeLessThan(2_500);
    const idle = (await other).body;
    expect(performance.now() - started).toBeGreaterThan(2_900);
    expect(idle.events).toEqual([]);
    expect(idle.cursor).not.toBe(cursor);
    expect((await read(`after=${idle.cursor}&wait=0`)).body.events).toEqual([]);
  });

  it('lines come one by one with their cursors, and hold the bodies of the pages', async () => {
    const cursor = await latest();
    const left = new AbortController();
    const answer = await program.api.raw(
      'GET',
      `/events?after=${cursor}&types=device.registered`,
      undefined,
      { accept: 'application/x-ndjson' },
      left.signal,
    );
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    const lines: { event?: Event; cursor: string }[] = [];
    const decoder = new TextDecoder();
    let rest = '';
    const reader = answer.body!.getReader();
    while (lines.length < 4) {
      const { value: piece } = await reader.read();
      const parts = (rest + decoder.decode(piece, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((part) => JSON.parse(part) as { cursor: string }));
      await program.api.registerDevices([
        { deviceId: `line-${lines.length}`, platform: 'G', token: `sandbox-line-${lines.length}` },
      ]);
    }
    left.abort();
    expect(lines[0]).toEqual({ cursor: expect.any(String) });
    const { events } = (await read(`after=${cursor}&types=device.registered&wait=0`)).body;
    expect(lines.slice(1).map(({ event }) => event)).toEqual(events.slice(0, 3));
    expect((await read(`after=${lines[1]!.cursor}&types=device.registered&wait=0&limit=1`)).body).toEqual({
      events: [events[1]],
      cursor: lines[2]!.cursor,
    });
  });

  it('a cursor that is altered, of another application or ahead is refused', async () => {
    await program.api.registerDevices([{ deviceId: 'cut', platform: 'G', token: 'sandbox-cut' }]);
    const cursor = await latest();
    const [position = '', mark = ''] = cursor.split('-');
    const codeOf = async (after: string, api: Api = program.api) => {
      const { status, body } = await api.app('GET', `/events?after=${after}&wait=0`);
      return [status, body.code];
    };
    expect(await codeOf('rubbish')).toEqual([400, 'FPWSE0005E']);
    expect(await codeOf(`${position}-${mark.replace(/^./, (first) => (first === '0' ? '1' : '0'))}`)).toEqual([
      410,
      'CARIL0410E',
    ]);
    expect(await codeOf(`${(Number.parseInt(position, 36) - 1).toString(36)}-${mark}`)).toEqual([410, 'CARIL0410E']);
    expect(await codeOf(`zzzzzz-${mark}`)).toEqual([410, 'CARIL0410E']);
    await program.api.call('POST', '/apps', { applicationId: 'com.example.other' });
    const other = await Api.connect(program.carillon.url, 'com.example.other');
    expect(await codeOf(cursor, other)).toEqual([410, 'CARIL0410E']);
  });

  it('a restriction by label leaves the events of other messages out; devices are not restricted', async () => {
    await want({ eventTypes: 'message.*,device.registered', labels: ['wanted'] });
    try {
      const cursor = await latest();
      const ids = [];
      for (const label of ['other', 'wanted']) ids.push(await program.api.send({ message: { alert: 'hi' }, label }));
      await program.api.registerDevices([{ deviceId: 'any', platform: 'G', token: 'sandbox-any' }]);
      const { events } = await follow(cursor, ends(ids[1]!));
      expect(new Set(events.map(({ data }) => data.messageId))).toEqual(new Set([ids[1], undefined]));
    } finally {
      await want({ eventTypes: '*' });
    }
  });

  it('a provider and a campaign have events', async () => {
    const cursor = await latest();
    const campaign = {
      name: 'Now',
      schedule: { cron: '0 0 1 1 *', timeZone: 'UTC' },
      content: { message: { alert: 'hi' } },
    };
    const made = await program.api.app<{ campaignId: string }>('POST', '/campaigns', campaign);
    expect(made.status).toBe(201);
    expect((await program.api.app('POST', `/campaigns/${made.body.campaignId}/run`)).status).toBe(202);
    const { events } = await follow(
      cursor,
      (all) => all.some(({ type }) => type === 'campaign.run.finished'),
      'campaign.*',
    );
    expect(events.map(({ type }) => type)).toEqual(['campaign.run.started', 'campaign.run.finished']);
  });

  it('SIGTERM ends the polls with an answer', async () => {
    const cursor = await latest();
    const polls = Array.from({ length: 20 }, () => read(`after=${cursor}&types=campaign.run.skipped`));
    await delay(500);
    const stopping = program.carillon.stop();
    expect((await Promise.all(polls)).map(({ status }) => status)).toEqual(polls.map(() => 200));
    expect((await stopping).ms).toBeLessThan(10_000);
  });
});
