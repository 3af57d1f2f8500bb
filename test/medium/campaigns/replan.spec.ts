import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { CampaignScheduler } from '../../../src/campaigns/firing/campaign.scheduler.js';
import { ReplanRepository } from '../../../src/campaigns/firing/replan.repository.js';
import { ReplanService } from '../../../src/campaigns/firing/replan.service.js';
import { DeliveryQueue } from '../../../src/delivery/delivery.queue.js';
import { Queues } from '../../../src/queue/queue.js';
import { CampaignRoom } from './room.js';
import { HOUR, MINUTE, SetClock } from './scheduling.js';

const NINE = Date.UTC(2026, 10, 30, 9);
const DAY = 24 * HOUR;
const MINUTELY = { schedule: { cron: '* * * * *' } };

describe('campaigns after the clock of the database was ahead', () => {
  let room: CampaignRoom;
  let queues: Queues;
  let clock: SetClock;
  let warned: string[];
  beforeAll(async () => {
    room = await CampaignRoom.open();
    queues = await Queues.open({}, room.database, () => undefined);
  }, 120_000);
  afterAll(async () => {
    await queues.close();
    await room.remove();
  });
  beforeEach(() => {
    clock = new SetClock(room.database, NINE);
    warned = [];
    vi.spyOn(Logger.prototype, 'warn').mockImplementation((text: unknown) => void warned.push(String(text)));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await room.retireAll();
  });

  const newProcess = () =>
    new CampaignScheduler(
      clock,
      room.firings,
      room.waves,
      new ReplanService(room.database, new ReplanRepository(room.database)),
      new DeliveryQueue(queues),
    );
  const nextOf = async (seq: number) => (await room.campaignRow(seq)).next_at?.getTime();

  it.each([
    ['an hour', NINE + HOUR],
    ['25 hours', NINE + 25 * HOUR],
    ['40 days', NINE + 40 * DAY],
    ['years, to 2039', Date.UTC(2039, 0, 1)],
    ['decades, to 2100', Date.UTC(2100, 0, 1)],
  ])(
    'by %s, campaigns continue with the first moment after now, in the same process and in a new one',
    async (_what, ahead) => {
      const { seq, id } = await room.addCampaign(await room.addApplication(), NINE - MINUTE, MINUTELY);
      const scheduler = newProcess();
      await scheduler.look();
      for (const process of [scheduler, newProcess()]) {
        clock.at = ahead;
        await process.look();
        clock.at = ahead + MINUTE;
        await process.look();
        expect(await nextOf(seq)).toBe(ahead + 2 * MINUTE);
        clock.at = NINE + MINUTE / 2;
        await (process === scheduler ? scheduler : newProcess()).look();
        expect(await nextOf(seq)).toBe(NINE + MINUTE);
        expect(warned.at(-1)).toContain(id);
      }
      const before = (await room.messagesOf(seq)).length;
      for (let minute = 1; minute <= 3; minute++) {
        clock.at = NINE + minute * MINUTE;
        await scheduler.look();
      }
      expect(await room.messagesOf(seq)).toHaveLength(before + 3);
      expect(await nextOf(seq)).toBe(NINE + 4 * MINUTE);
    },
  );

  it('does not repeat a firing of the meantime at its real time', async () => {
    const { seq } = await room.addCampaign(await room.addApplication(), NINE - MINUTE, MINUTELY);
    const scheduler = newProcess();
    for (let minute = 0; minute <= 3; minute++) {
      clock.at = NINE + minute * MINUTE;
      await scheduler.look();
    }
    const made = await room.messagesOf(seq);
    for (let half = 0; half <= 7; half++) {
      clock.at = NINE + (half * MINUTE) / 2;
      await scheduler.look();
    }
    expect(await room.messagesOf(seq)).toEqual(made);
    clock.at = NINE + 4 * MINUTE;
    await scheduler.look();
    expect(await room.messagesOf(seq)).toHaveLength(made.length + 1);
  });

  it('a campaign that the wrong clock finished continues, and a finished or paused one stays', async () => {
    const applicationId = await room.addApplication();
    const ends = { schedule: { cron: '0 9 * * *', end: '2027-01-01' } };
    const early = await room.addCampaign(applicationId, NINE - HOUR, ends);
    const over = await room.addCampaign(applicationId, NINE - HOUR, { schedule: { at: ['2026-11-30T08:30:00Z'] } });
    const scheduler = newProcess();
    clock.at = NINE - HOUR / 2;
    await scheduler.look();
    clock.at = NINE + 400 * DAY;
    await scheduler.look();
    expect(await room.campaignRow(early.seq)).toMatchObject({ state: 'finished' });
    clock.at = NINE - HOUR / 4;
    await scheduler.look();
    expect(await room.campaignRow(early.seq)).toMatchObject({ state: 'active', next_at: new Date(NINE) });
    expect(await room.campaignRow(over.seq)).toMatchObject({ state: 'finished' });
  });

  it('a firing that its jitter delays does not count as a wrong plan', async () => {
    const schedule = { cron: '0 9 * * *', jitterSeconds: 3_600 };
    const { seq } = await room.addCampaign(await room.addApplication(), NINE - HOUR, { schedule });
    clock.at = NINE + 1_000;
    await newProcess().look();
    expect(warned).toEqual([]);
    clock.at = NINE + HOUR + 1_000;
    await newProcess().look();
    expect(await room.messagesOf(seq)).toHaveLength(1);
  });
});
