import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { jitterOf, readSchedule } from '../../../src/campaigns/schedule/schedule.js';
import { newMessageId } from '../../../src/messages/send/message-id.js';
import { CampaignRoom } from './room.js';
import { HOUR, MINUTE } from './scheduling.js';

/** Forty zones with different clocks on 30 November 2026, as far as there are that many. */
const ZONES = [
  ...[
    'Pacific/Kiritimati',
    'Pacific/Chatham',
    'Pacific/Auckland',
    'Pacific/Fiji',
    'Australia/Sydney',
    'Australia/Lord_Howe',
  ],
  ...['Australia/Adelaide', 'Australia/Brisbane', 'Australia/Darwin', 'Asia/Tokyo', 'Australia/Eucla', 'Asia/Shanghai'],
  ...['Asia/Bangkok', 'Asia/Yangon', 'Asia/Dhaka', 'Asia/Kathmandu', 'Asia/Kolkata', 'Asia/Karachi', 'Asia/Kabul'],
  ...[
    'Asia/Dubai',
    'Asia/Tehran',
    'Europe/Moscow',
    'Africa/Nairobi',
    'Europe/Helsinki',
    'Africa/Cairo',
    'Europe/Berlin',
  ],
  ...[
    'Africa/Lagos',
    'Europe/London',
    'UTC',
    'Atlantic/Azores',
    'America/Noronha',
    'America/Sao_Paulo',
    'America/St_Johns',
  ],
  ...[
    'America/Halifax',
    'America/New_York',
    'America/Chicago',
    'America/Denver',
    'America/Los_Angeles',
    'America/Anchorage',
  ],
  ...['Pacific/Marquesas', 'Pacific/Honolulu', 'Pacific/Pago_Pago'],
];
const START = Date.UTC(2026, 10, 29, 12);

describe('in the recipients’ time', () => {
  let room: CampaignRoom;
  beforeAll(async () => {
    room = await CampaignRoom.open();
  }, 120_000);
  afterAll(() => room.remove());
  afterEach(() => room.retireAll());

  /** Looks every quarter of an hour, sends, and returns the time of each device. */
  async function watch(from: number, until: number): Promise<Map<string, number[]>> {
    const reached = new Map<string, number[]>();
    for (let now = from; now <= until; now += 15 * MINUTE) {
      const made = await room.look(now);
      for (const deviceId of await room.expand(made)) reached.set(deviceId, [...(reached.get(deviceId) ?? []), now]);
      await room.finish(made);
    }
    return reached;
  }

  function clock(timeZone: string, at: number): string {
    return new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(at);
  }

  it('sends to each device in its hour, in forty zones', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(applicationId, [
      ...ZONES.map((timeZone) => ({ deviceId: timeZone, timeZone })),
      { deviceId: 'nowhere' },
      { deviceId: 'mistaken', timeZone: 'Mars/Base' },
    ]);
    const { seq } = await room.addCampaign(applicationId, START, {
      schedule: { at: ['2026-11-30T09:00'], timeZone: 'recipient', defaultTimeZone: 'Europe/Berlin' },
    });
    const reached = await watch(START, START + 36 * HOUR);
    expect(reached.size).toBe(ZONES.length + 2);
    for (const zone of ZONES)
      expect(
        reached.get(zone)?.map((at) => clock(zone, at)),
        zone,
      ).toEqual(['2026-11-30 09:00']);
    for (const deviceId of ['nowhere', 'mistaken'])
      expect(reached.get(deviceId)?.map((at) => clock('Europe/Berlin', at))).toEqual(['2026-11-30 09:00']);
    expect(await room.runRows(seq)).toMatchObject([{ state: 'sent', definition: null }]);
    const waves = await room.runs.listWaves((await room.runRows(seq))[0]?.seq ?? 0);
    expect(waves.every(({ state, messages }) => state === 'sent' && messages.length === 1)).toBe(true);
    expect(waves.length).toBeGreaterThan(30);
  });

  it('quiet hours hold until the local morning, or drop; the time to live takes precedence', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(
      applicationId,
      ZONES.map((timeZone) => ({ deviceId: timeZone, timeZone })),
    );
    // One moment for all: noon in London, and night in half of the zones.
    const schedule = { at: ['2026-11-30T12:00:00Z'] };
    const quietHours = { from: '21:00', to: '08:30' };
    const isQuiet = (zone: string, at: number) => {
      const time = clock(zone, at).slice(11);
      return time >= '21:00' || time < '08:30';
    };
    const noon = Date.UTC(2026, 10, 30, 12);
    const hold = await room.addCampaign(applicationId, START, {
      schedule,
      policies: { quietHours: { ...quietHours, action: 'hold' } },
    });
    const held = await watch(noon, noon + 24 * HOUR);
    expect(held.size).toBe(ZONES.length);
    for (const zone of ZONES) {
      const [at = 0, ...others] = held.get(zone) ?? [];
      expect(others).toEqual([]);
      expect(isQuiet(zone, at), zone).toBe(false);
      if (at !== noon) expect(clock(zone, at).slice(11)).toBe('08:30');
      else expect(isQuiet(zone, noon)).toBe(false);
    }
    expect([...held.values()].filter(([at]) => at !== noon).length).toBeGreaterThan(10);
    expect(await room.runRows(hold.seq)).toMatchObject([{ state: 'sent' }]);

    const content = { message: { alert: 'hi' }, ttl: 4 * 3_600 };
    await room.addCampaign(applicationId, START, {
      schedule,
      content,
      policies: { quietHours: { ...quietHours, action: 'hold' } },
    });
    const brief = await watch(noon, noon + 24 * HOUR);
    for (const zone of ZONES) {
      const expected = (held.get(zone)?.[0] ?? 0) - noon < 4 * HOUR ? held.get(zone) : undefined;
      expect(brief.get(zone), zone).toEqual(expected);
    }
    const dropped = await room.addCampaign(applicationId, START, {
      schedule,
      policies: { quietHours: { ...quietHours, action: 'drop' } },
    });
    const awake = await watch(noon, noon + 24 * HOUR);
    expect([...awake.keys()].toSorted()).toEqual(ZONES.filter((zone) => !isQuiet(zone, noon)).toSorted());
    expect(await room.runRows(dropped.seq)).toMatchObject([{ state: 'sent', reason: 'quiet hours of the recipients' }]);
    // A delivery that could not be sent before the night must not be sent in it.
    for (const messageSeq of await room.messagesOf(dropped.seq)) {
      const message = await room.messageRow(messageSeq);
      const { of } = message.target.where?.find((each) => each.kind === 'timeZone') ?? {};
      expect(clock(of?.[0] ?? '', message.expires_at.getTime()).slice(11)).toBe('21:00');
    }
  });

  it('a pause in the middle of a run holds its waves; an edit changes the next run only', async () => {
    const applicationId = await room.addApplication();
    const zones = ['Asia/Tokyo', 'Europe/Berlin', 'America/New_York'];
    await room.addDevices(
      applicationId,
      zones.map((timeZone) => ({ deviceId: timeZone, timeZone })),
    );
    const { id, definition } = await room.addCampaign(applicationId, START, {
      schedule: { cron: '0 9 * * *', timeZone: 'recipient' },
    });
    expect([...(await watch(START, Date.UTC(2026, 10, 30, 1))).keys()]).toEqual(['Asia/Tokyo']);
    const now = new Date(START);
    await room.changeCampaign(applicationId, id, now, {
      definition: { ...definition, content: { message: { alert: 'edited' } } },
    });
    await room.changeCampaign(applicationId, id, now, { state: 'paused' });
    expect(await room.look(Date.UTC(2026, 10, 30, 8, 0))).toEqual([]);
    await room.changeCampaign(applicationId, id, now, { state: 'active' });
    const [berlin = 0, ...others] = await room.look(Date.UTC(2026, 10, 30, 8, 0, 30));
    expect(others).toEqual([]);
    expect((await room.messageRow(berlin)).notification.alert).toBe('hi');
    const later = await room.look(Date.UTC(2026, 11, 1, 0, 0));
    const alerts = await Promise.all(later.map(async (seq) => (await room.messageRow(seq)).notification.alert));
    expect(alerts).toContain('edited');
  });

  describe('overlap, a run of every day', () => {
    const [TOKYO, HONOLULU] = ['Asia/Tokyo', 'Pacific/Honolulu'];
    async function daily(overlap: 'skip' | 'cancel') {
      const applicationId = await room.addApplication();
      await room.addDevices(
        applicationId,
        [TOKYO, 'Europe/Berlin', HONOLULU].map((timeZone) => ({ deviceId: timeZone, timeZone })),
      );
      const schedule = { cron: '0 9 * * *', timeZone: 'recipient', defaultTimeZone: 'Europe/Berlin' };
      return room.addCampaign(applicationId, START, { schedule, policies: { overlap } });
    }
    const nines = (zone: string, reached: Map<string, number[]>) =>
      (reached.get(zone) ?? []).map((at) => clock(zone, at));
    const days = ['2026-11-30 09:00', '2026-12-01 09:00', '2026-12-02 09:00'];

    it.each(['skip', 'cancel'] as const)(
      '%s: each zone gets each day, although a run takes longer',
      async (overlap) => {
        await daily(overlap);
        const reached = await watch(START, START + 83 * HOUR);
        for (const zone of [TOKYO, 'Europe/Berlin', HONOLULU]) expect(nines(zone, reached), zone).toEqual(days);
      },
    );

    /** The first day's message to Tokyo is never expanded, so it stays open. */
    async function stuck(overlap: 'skip' | 'cancel') {
      const { seq } = await daily(overlap);
      const nineInTokyo = Date.UTC(2026, 10, 30);
      await watch(START, nineInTokyo - 15 * MINUTE);
      const [first = 0] = await room.look(nineInTokyo);
      const reached = await watch(nineInTokyo + 15 * MINUTE, nineInTokyo + 44 * HOUR);
      return { seq, first: await room.messageRow(first), reached };
    }
    it('skip: skips zones where the day before is still open, and no zone that it has yet to reach', async () => {
      const { seq, first, reached } = await stuck('skip');
      expect(first.state).toBe('accepted');
      expect(reached.get(TOKYO)).toBeUndefined();
      // The day after, it is open in front of Honolulu too.
      expect(nines(HONOLULU, reached)).toEqual(days.slice(0, 1));
      expect((await room.runRows(seq))[1]).toMatchObject({ reason: 'an earlier run has not ended' });
    });
    it('cancel: cancels the day before in zones that the next day has reached', async () => {
      const { first, reached } = await stuck('cancel');
      expect(first.state).toBe('cancelled');
      expect(nines(TOKYO, reached)).toEqual(days.slice(1, 2));
      expect(nines(HONOLULU, reached)).toEqual(days.slice(0, 2));
    });
    it.each(['skip', 'cancel'] as const)('%s: also if the day before began later by its jitter', async (overlap) => {
      const schedule = { cron: '0 9 * * *', timeZone: 'recipient', defaultTimeZone: TOKYO, jitterSeconds: 3_600 };
      const jitter = (id: string, day: number) =>
        jitterOf(readSchedule(schedule), id, Date.UTC(2026, 10, 29 + day, 19));
      let id = newMessageId();
      while (jitter(id, 0) <= jitter(id, 1)) id = newMessageId();
      await room.addCampaign(await room.addApplication(), START, { schedule, policies: { overlap } }, id);
      const tenInTokyo = Date.UTC(2026, 10, 30, 1);
      const [first = 0] = await room.look(tenInTokyo);
      expect(await room.look(tenInTokyo + 24 * HOUR)).toHaveLength(overlap === 'skip' ? 0 : 1);
      expect((await room.messageRow(first)).state).toBe(overlap === 'skip' ? 'accepted' : 'cancelled');
    });
    it('cancel: also cancels waves that still waited after two days without a look', async () => {
      const west = 'Etc/GMT+12';
      const schedule = { cron: '0 9 * * *', timeZone: 'recipient', defaultTimeZone: west };
      const policies = { overlap: 'cancel' } as const;
      const { seq } = await room.addCampaign(await room.addApplication(), START, { schedule, policies });
      expect(await room.look(START + 7 * HOUR)).toEqual([]);
      expect(await room.look(Date.UTC(2026, 11, 1, 21))).toHaveLength(1);
      expect(await room.runRows(seq)).toMatchObject([
        { state: 'sent', reason: 'overtaken by the next firing' },
        { state: 'sent', reason: null },
        { state: 'running' },
      ]);
    });
    it('joins waves that wait for the same morning', async () => {
      const applicationId = await room.addApplication();
      await room.addDevices(applicationId, [{ deviceId: 'Europe/Berlin', timeZone: 'Europe/Berlin' }]);
      const schedule = { cron: '0 22,23 * * *', timeZone: 'recipient', defaultTimeZone: 'Europe/Berlin' };
      const quietHours = { from: '21:00', to: '08:00', action: 'hold' } as const;
      for (const overlap of ['skip', 'cancel', 'allow'] as const) {
        await room.addCampaign(applicationId, START, { schedule, policies: { overlap, quietHours } });
        const reached = await watch(START + 19 * HOUR, START + 43.5 * HOUR);
        expect(nines('Europe/Berlin', reached), overlap).toEqual(
          overlap === 'allow' ? ['2026-12-01 08:00', '2026-12-01 08:00'] : ['2026-12-01 08:00'],
        );
        await room.retireAll();
      }
    });
  });

  it('a wave that the database refuses is skipped with the reason, and others are sent', async () => {
    const applicationId = await room.addApplication();
    const schedule = { at: ['2026-11-30T09:00'], timeZone: 'recipient', defaultTimeZone: 'Asia/Tokyo' };
    const broken = await room.addCampaign(applicationId, START, { schedule });
    const other = await room.addCampaign(applicationId, START, { schedule });
    await room.look(START + 7 * HOUR);
    const sent = `new.state = 'sent' and new.run_seq in (select seq from campaign_run where campaign_seq = ${broken.seq})`;
    const { messageSeqs } = await room.whileRefused('campaign_wave', sent, () =>
      room.waves.sendDue(Date.UTC(2026, 10, 30)),
    );
    expect(await room.messagesOf(other.seq)).toEqual(messageSeqs);
    expect(messageSeqs).toHaveLength(1);
    expect(await room.messagesOf(broken.seq)).toEqual([]);
    const waves = await room.runs.listWaves((await room.runRows(broken.seq))[0]?.seq ?? 0);
    expect(waves.filter(({ state }) => state === 'skipped')).toMatchObject([
      { reason: expect.stringContaining('refused by the test') as string },
    ]);
  });

  it('an application that is disabled, stopped or removed during a run gets no more of its waves', async () => {
    const tables = room.database.kysely;
    for (const change of [{ enabled: false }, { stopped_at: new Date(START) }, { removed_at: new Date(START) }]) {
      const applicationId = await room.addApplication();
      const zones = ['Asia/Tokyo', 'Europe/Berlin'];
      await room.addDevices(
        applicationId,
        zones.map((timeZone) => ({ deviceId: timeZone, timeZone })),
      );
      const schedule = { at: ['2026-11-30T09:00'], timeZone: 'recipient' };
      const { seq } = await room.addCampaign(applicationId, START, { schedule });
      expect([...(await watch(START, Date.UTC(2026, 10, 30, 1))).keys()]).toEqual(['Asia/Tokyo']);
      await tables.updateTable('application').set(change).where('id', '=', applicationId).execute();
      expect(await watch(Date.UTC(2026, 10, 30, 1), START + 36 * HOUR)).toEqual(new Map());
      expect(await room.runRows(seq)).toMatchObject([
        'enabled' in change ? { state: 'sent', reason: 'the application is disabled' } : { state: 'running' },
      ]);
      await room.retireAll();
    }
  });

  it('a run by hand reaches all devices at once', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(
      applicationId,
      ZONES.map((timeZone) => ({ deviceId: timeZone, timeZone })),
    );
    const campaign = await room.addCampaign(applicationId, START, {
      schedule: { cron: '0 9 * * *', timeZone: 'recipient' },
    });
    const { messageSeqs, runSeq } = await room.firings.fireNow(campaign, START + 5);
    expect(await room.expand(messageSeqs)).toHaveLength(ZONES.length);
    expect(await room.runs.list(campaign.seq, { seq: runSeq ?? 0 })).toMatchObject([{ manual: true, state: 'sent' }]);
  });
});

describe('two processes', () => {
  it('two processes that send the last two waves of a run at once end it', async () => {
    const room = await CampaignRoom.open();
    const { scheduling, close } = await room.join();
    try {
      const schedule = { at: ['2026-11-30T09:00'], timeZone: 'recipient' };
      const { seq } = await room.addCampaign(await room.addApplication(), START, { schedule });
      await room.look(Date.UTC(2026, 10, 29, 19));
      const { kysely } = room.database;
      const waiting = kysely.selectFrom('campaign_wave').select(['seq', 'due_at']).where('state', '=', 'waiting');
      const [one, two] = await waiting.orderBy('due_at').execute();
      const others = kysely.updateTable('campaign_wave').set({ state: 'empty' }).where('state', '=', 'waiting');
      await others.where('seq', 'not in', [one?.seq ?? 0, two?.seq ?? 0]).execute();
      const runSeqs = (await room.runRows(seq)).map((run) => run.seq);
      let second: Promise<unknown> = Promise.resolve();
      await kysely.transaction().execute(async (transaction) => {
        await room.waves.sendOfRuns(runSeqs, one?.due_at.getTime() ?? 0, transaction);
        let done = false;
        second = scheduling.waves.sendDue(two?.due_at.getTime() ?? 0).finally(() => (done = true));
        const blocked = sql<{ count: number }>`
          select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        await vi.waitFor(
          async () => {
            expect(done || (await blocked.execute(kysely)).rows[0]?.count === 1).toBe(true);
          },
          { timeout: 20_000 },
        );
      });
      await second;
      expect(await room.runRows(seq)).toMatchObject([{ state: 'sent' }]);
    } finally {
      await close();
      await room.remove();
    }
  });
});
