import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toRunAnswer } from '../../../src/campaigns/campaign.answers.js';
import { CampaignRoom } from './room.js';
import { HOUR, MINUTE } from './scheduling.js';

const NINE = Date.UTC(2026, 10, 30, 9);
const DAILY = { schedule: { cron: '0 9 * * *' } };

describe('firing', () => {
  let room: CampaignRoom;
  beforeAll(async () => {
    room = await CampaignRoom.open();
  }, 120_000);
  afterAll(() => room.remove());
  afterEach(() => room.retireAll());

  it('fires once at its time, and then at the next', async () => {
    const applicationId = await room.addApplication();
    const content = { message: { alert: 'hi' }, label: 'digest' };
    const { seq, id } = await room.addCampaign(applicationId, NINE - HOUR, { ...DAILY, content });
    expect(await room.look(NINE - 1)).toEqual([]);
    const [messageSeq = 0, ...others] = await room.look(NINE + 400);
    expect(others).toEqual([]);
    const message = await room.messageRow(messageSeq);
    expect(message).toMatchObject({
      application_id: applicationId,
      state: 'accepted',
      client_id: 'test',
      label: 'digest',
      direct: false,
    });
    expect(message.notification).toMatchObject({ alert: 'hi', collapseId: message.id });
    expect(message.expires_at.getTime()).toBe(NINE + 28 * 24 * HOUR);
    expect(await room.runRows(seq)).toMatchObject([{ scheduled_at: new Date(NINE), state: 'sent', manual: false }]);
    expect(await room.look(NINE + 500)).toEqual([]);
    expect((await room.campaigns.find(applicationId, id))?.nextAt).toEqual(new Date(NINE + 24 * HOUR));
    expect(await room.look(NINE + 24 * HOUR)).toHaveLength(1);
  });

  it('ends after a single moment', async () => {
    const applicationId = await room.addApplication();
    const { seq } = await room.addCampaign(applicationId, NINE - HOUR, { schedule: { at: ['2026-11-30T09:00:00Z'] } });
    expect(await room.look(NINE)).toHaveLength(1);
    expect(await room.campaignRow(seq)).toMatchObject({ state: 'finished', next_at: null, due_at: null });
  });

  it('fires nothing for a disabled application, and stores the reason', async () => {
    const applicationId = await room.addApplication();
    await room.database.kysely
      .updateTable('application')
      .set({ enabled: false })
      .where('id', '=', applicationId)
      .execute();
    const { seq } = await room.addCampaign(applicationId, NINE - HOUR, DAILY);
    expect(await room.look(NINE)).toEqual([]);
    expect(await room.runRows(seq)).toMatchObject([{ state: 'skipped', reason: 'the application is disabled' }]);
  });

  it('fires nothing while the application is stopped, and the missed moment when the stop is lifted', async () => {
    const applicationId = await room.addApplication();
    const { seq } = await room.addCampaign(applicationId, NINE - HOUR, DAILY);
    const stop = (stoppedAt: Date | null) =>
      room.database.kysely
        .updateTable('application')
        .set({ stopped_at: stoppedAt })
        .where('id', '=', applicationId)
        .execute();
    await stop(new Date(NINE - HOUR));
    expect(await room.look(NINE)).toEqual([]);
    expect(await room.look(NINE + HOUR)).toEqual([]);
    expect(await room.runRows(seq)).toEqual([]);
    await stop(null);
    expect(await room.look(NINE + 2 * HOUR)).toHaveLength(1);
  });

  it('a definition that became impossible pauses its own campaign only', async () => {
    const applicationId = await room.addApplication();
    const broken = await room.addCampaign(applicationId, NINE - HOUR, DAILY);
    const schedule = { cron: '0 9 * * *', timeZone: 'Europe/Atlantis' };
    await room.database.kysely
      .updateTable('campaign')
      .set({ definition: JSON.stringify({ ...broken.definition, schedule }) })
      .where('seq', '=', broken.seq)
      .execute();
    const other = await room.addCampaign(applicationId, NINE - HOUR, DAILY);
    const empty = await room.addCampaign(applicationId, NINE - HOUR, { ...DAILY, content: { message: {} } });
    expect(await room.look(NINE)).toHaveLength(1);
    expect(await room.campaignRow(broken.seq)).toMatchObject({
      state: 'paused',
      state_reason: expect.stringContaining('schedule.timeZone') as string,
    });
    expect(await room.runRows(other.seq)).toMatchObject([{ state: 'sent' }]);
    expect(await room.runRows(empty.seq)).toMatchObject([
      { state: 'skipped', reason: expect.stringContaining('message.alert') as string },
    ]);
  });

  it('a campaign that the database refuses is paused with the reason, and others fire', async () => {
    const applicationId = await room.addApplication();
    const broken = await room.addCampaign(applicationId, NINE - HOUR, DAILY);
    const other = await room.addCampaign(applicationId, NINE - HOUR, DAILY);
    const planned = `new.seq = ${broken.seq} and new.next_at is not null`;
    const { messageSeqs } = await room.whileRefused('campaign', planned, () => room.firings.fireDue(NINE));
    expect(messageSeqs).toHaveLength(1);
    expect(await room.runRows(other.seq)).toMatchObject([{ state: 'sent' }]);
    expect(await room.runRows(broken.seq)).toEqual([]);
    expect(await room.campaignRow(broken.seq)).toMatchObject({
      state: 'paused',
      state_reason: expect.stringContaining('refused by the test') as string,
      due_at: null,
    });
  });

  describe('catching up', () => {
    const hourly = { schedule: { cron: '0 * * * *' } };
    const missed = (list: { state: string; reason: string | null }[]) =>
      list.map(({ state, reason }) => [state, reason]);

    it('once: fires the last missed moment', async () => {
      const { seq } = await room.addCampaign(await room.addApplication(), NINE - 4 * HOUR, hourly);
      expect(await room.look(NINE + 30 * MINUTE)).toHaveLength(1);
      expect(missed(await room.runRows(seq))).toEqual([
        [
          'skipped',
          '3 missed, from 2026-11-30T06:00:00.000Z to 2026-11-30T08:00:00.000Z; the last by 5400 s; catchUp is once, and a later firing was missed as well',
        ],
        ['sent', null],
      ]);
      expect((await room.campaignRow(seq)).next_at).toEqual(new Date(NINE + HOUR));
    });
    it('skip: fires no missed moment', async () => {
      const policies = { catchUp: 'skip' as const };
      const { seq } = await room.addCampaign(await room.addApplication(), NINE - 3 * HOUR, { ...hourly, policies });
      expect(await room.look(NINE + 2 * MINUTE)).toEqual([]);
      expect((await room.runRows(seq)).map(({ reason }) => reason)).toEqual([
        '3 missed, from 2026-11-30T07:00:00.000Z to 2026-11-30T09:00:00.000Z; the last by 120 s; catchUp is skip',
      ]);
      // A moment that is a little late was not missed.
      expect(await room.look(NINE + HOUR + MINUTE / 2)).toHaveLength(1);
    });
    it('all: fires all missed moments within the window', async () => {
      const policies = { catchUp: 'all' as const, catchUpSeconds: 5_400 };
      const { seq } = await room.addCampaign(await room.addApplication(), NINE - 4 * HOUR, { ...hourly, policies });
      expect(await room.look(NINE + 10 * MINUTE)).toHaveLength(2);
      expect((await room.runRows(seq)).map(({ state }) => state)).toEqual(['skipped', 'sent', 'sent']);
    });
    it.each([
      ['40 days of minutes', Date.UTC(2026, 9, 21, 9), 'once' as const],
      ['40 days of minutes', Date.UTC(2026, 9, 21, 9), 'skip' as const],
      ['all minutes since 1970', 0, 'once' as const],
    ])('%s missed moments are one run, and the next look is on time (since %i, catchUp %s)', async (...row) => {
      const [, since, catchUp] = row;
      const { seq } = await room.addCampaign(await room.addApplication(), since, {
        schedule: { cron: '* * * * *' },
        policies: { catchUp },
      });
      expect(await room.look(NINE + MINUTE / 2)).toHaveLength(1);
      const count = (NINE - since) / MINUTE - 1;
      expect((await room.runRows(seq)).map(({ state, missed_count: missedCount }) => [state, missedCount])).toEqual([
        ['skipped', count],
        ['sent', null],
      ]);
      expect((await room.campaignRow(seq)).next_at).toEqual(new Date(NINE + MINUTE));
      expect(await room.look(NINE + MINUTE)).toHaveLength(1);
      const oldest = (await room.runs.list(seq, { before: Number.MAX_SAFE_INTEGER, limit: 10 })).at(-1)!;
      expect(toRunAnswer(oldest)).toMatchObject({
        missedCount: count,
        missedFromTime: new Date(since + MINUTE).toISOString(),
        scheduledTime: new Date(NINE - MINUTE).toISOString(),
        reason: expect.stringContaining(`${count.toLocaleString('en-US')} missed, from `) as string,
      });
    });
  });

  describe('overlap', () => {
    const policies = (overlap: 'allow' | 'skip' | 'cancel') => ({
      schedule: { cron: '0 * * * *' },
      policies: { overlap },
    });

    it('skip: waits until the earlier run has ended', async () => {
      const { seq } = await room.addCampaign(await room.addApplication(), NINE - MINUTE, policies('skip'));
      const [first = 0] = await room.look(NINE);
      expect(await room.look(NINE + HOUR)).toEqual([]);
      await room.expand([first]);
      expect((await room.messageRow(first)).state).toBe('finished');
      expect(await room.look(NINE + 2 * HOUR)).toHaveLength(1);
      expect((await room.runRows(seq)).map(({ reason }) => reason)).toEqual([
        null,
        'an earlier run has not ended',
        null,
      ]);
    });
    it('cancel: cancels the earlier run', async () => {
      const { seq } = await room.addCampaign(await room.addApplication(), NINE - MINUTE, policies('cancel'));
      const [first = 0] = await room.look(NINE);
      const [second = 0] = await room.look(NINE + HOUR);
      expect((await room.messageRow(first)).state).toBe('cancelled');
      expect((await room.messageRow(second)).state).toBe('accepted');
      expect((await room.runRows(seq)).map(({ state, reason }) => [state, reason])).toEqual([
        ['cancelled', 'overtaken by the next firing'],
        ['sent', null],
      ]);
    });
    it('allow: runs both', async () => {
      await room.addCampaign(await room.addApplication(), NINE - MINUTE, policies('allow'));
      const [first = 0] = await room.look(NINE);
      expect(await room.look(NINE + HOUR)).toHaveLength(1);
      expect((await room.messageRow(first)).state).toBe('accepted');
    });
  });

  it('too many failures in the last run pause the campaign', async () => {
    const applicationId = await room.addApplication();
    await room.addDevices(
      applicationId,
      Array.from({ length: 10 }, (_, index) => ({ deviceId: `d${index}` })),
    );
    const policies = { pauseAtFailureShare: 0.3 };
    const { seq } = await room.addCampaign(applicationId, NINE - MINUTE, { schedule: { cron: '0 * * * *' }, policies });
    const [first = 0] = await room.look(NINE);
    await room.expand([first]);
    const settle = (counts: string) =>
      room.database.kysely.updateTable('batch').set({ counts }).where('message_seq', '=', first).execute();
    await settle('{0,0,8,1,1,0,0,0}');
    expect(await room.look(NINE + HOUR)).toHaveLength(1);
    const [, second = 0] = await room.messagesOf(seq);
    await room.expand([second]);
    await room.database.kysely
      .updateTable('batch')
      .set({ counts: '{0,0,7,1,2,0,0,0}' })
      .where('message_seq', '=', second)
      .execute();
    expect(await room.look(NINE + 2 * HOUR)).toEqual([]);
    expect(await room.campaignRow(seq)).toMatchObject({
      state: 'paused',
      state_reason: '30 % of the last run failed or was rejected',
      due_at: null,
    });
    expect((await room.runRows(seq)).at(-1)).toMatchObject({ state: 'skipped' });
  });
});

describe('at size', () => {
  it('fires more messages at once than a statement has parameters', async () => {
    const room = await CampaignRoom.open();
    try {
      const split = Array.from({ length: 200 }, (_, index) => ({ name: `variant ${index}`, share: 0.5 }));
      const languages = Object.fromEntries(Array.from({ length: 81 }, (_, index) => [`l${index}`, {}]));
      const { seq } = await room.addCampaign(await room.addApplication(), NINE - HOUR, { ...DAILY, split, languages });
      const { messageSeqs } = await room.firings.fireDue(NINE);
      expect(new Set(messageSeqs).size).toBe(16_400);
      expect(await room.messagesOf(seq)).toHaveLength(16_400);
    } finally {
      await room.remove();
    }
  }, 60_000);
});

describe('races', () => {
  it('ten processes at once make each firing once', async () => {
    const room = await CampaignRoom.open();
    try {
      const applicationId = await room.addApplication();
      for (let index = 0; index < 100; index++) await room.addCampaign(applicationId, NINE - HOUR, DAILY);
      const others = await Promise.all(Array.from({ length: 9 }, () => room.join()));
      const made = await Promise.all(
        [room, ...others.map(({ scheduling }) => scheduling)].map((each) => each.look(NINE)),
      );
      expect(made.flat()).toHaveLength(100);
      expect(new Set(made.flat()).size).toBe(100);
      await Promise.all(others.map(({ close }) => close()));
    } finally {
      await room.remove();
    }
  });
});
