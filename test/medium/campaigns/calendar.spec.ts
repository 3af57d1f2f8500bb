import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CalendarService } from '../../../src/campaigns/calendar.service.js';
import { CampaignRoom } from './room.js';
import { MINUTE, SetClock } from './scheduling.js';

const NINE = Date.UTC(2026, 10, 30, 9);
const MINUTELY = { schedule: { cron: '* * * * *' } };

describe('the calendar with a campaign whose time zone this process does not know', () => {
  let room: CampaignRoom;
  let calendar: CalendarService;
  let applicationId: string;
  let good: string;
  let bad: string;
  beforeAll(async () => {
    room = await CampaignRoom.open();
    applicationId = await room.addApplication();
    const made = await room.addCampaign(applicationId, NINE - MINUTE, MINUTELY);
    good = (await room.addCampaign(applicationId, NINE - MINUTE, MINUTELY)).id;
    bad = made.id;
    // A process with newer time zones has stored it.
    await sql`
      update campaign set definition = jsonb_set(definition, '{schedule,timeZone}', '"Mars/Base"')
      where seq = ${made.seq}`.execute(room.database.kysely);
    const unused = {} as never;
    calendar = new CalendarService(
      { getApplication: () => Promise.resolve({}) } as never,
      unused,
      room.campaigns,
      unused,
      unused,
      new SetClock(room.database, NINE),
    );
  }, 120_000);
  afterAll(() => room.remove());

  const unreadable = () => ({
    campaignId: bad,
    field: 'schedule.timeZone',
    reason: expect.stringContaining('time zone') as string,
  });

  it('lists the firings of the other campaigns of the application, and names the campaign', async () => {
    const listed = await calendar.list(applicationId, NINE, NINE + 3 * MINUTE);
    expect(listed.firings.map(({ campaignId }) => campaignId)).toEqual([good, good, good]);
    expect(listed.unreadable).toEqual([expect.objectContaining(unreadable())]);
  });

  it('lists the next firings of all applications, and names the campaign', async () => {
    const listed = await calendar.listNext(2);
    expect(listed.firings.map(({ campaignId }) => campaignId)).toEqual([good, good]);
    expect(listed.unreadable).toEqual([expect.objectContaining({ ...unreadable(), applicationId })]);
  });
});
