import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApplicationRemovalRepository } from '../../../src/applications/application-removal.repository.js';
import { CampaignHousekeeper } from '../../../src/campaigns/campaign.housekeeper.js';
import { CampaignRepository } from '../../../src/campaigns/campaign.repository.js';
import { OverlapRepository } from '../../../src/campaigns/firing/overlap.repository.js';
import { RunRepository } from '../../../src/campaigns/run.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { Housekeeper } from '../../../src/delivery/upkeep/housekeeper.js';
import { ReachRepository } from '../../../src/delivery/expand/reach.repository.js';
import { RemovalGuard } from '../../../src/delivery/upkeep/removal-guard.js';
import { RemovalRepository } from '../../../src/delivery/upkeep/removal.repository.js';
import { RetentionRepository } from '../../../src/delivery/upkeep/retention.repository.js';
import { DeviceRetentionRepository } from '../../../src/devices/device-retention.repository.js';
import { TallyRepository } from '../../../src/devices/tally.repository.js';
import { Room } from './room.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const NOW = Date.parse('2026-11-23T10:00:00Z');
const MANY = 60;

class SetClock extends Clock {
  at = NOW;
  override now(): number {
    return this.at;
  }
}

describe('removal by age and a wrong clock', () => {
  let room: Room;
  let clock: SetClock;
  let applicationId: string;
  const said = { warn: [] as string[], log: [] as string[] };
  beforeEach(async () => {
    room = await Room.open();
    clock = new SetClock();
    applicationId = await room.addApplication();
    await room.addDevices(applicationId, MANY);
    await sql`update device set seen_on = '2026-11-20'`.execute(room.database.kysely);
    await sql`update housekeeping set looked_at = ${new Date(NOW - MINUTE)}`.execute(room.database.kysely);
    for (const level of ['warn', 'log'] as const) {
      said[level] = [];
      vi.spyOn(Logger.prototype, level).mockImplementation((text: unknown) => void said[level].push(String(text)));
    }
  }, 60_000);
  afterEach(async () => {
    vi.restoreAllMocks();
    await room.remove();
  });

  /** One scheduler process. */
  function newScheduler(atMostPercent = 20): () => Promise<void> {
    const { database } = room;
    const config = {
      retention: { messageDays: 30, deviceUnseenDays: 270, deviceRetiredDays: 90, webhookEventDays: 3, atMostPercent },
    };
    const guard = new RemovalGuard(config, new RemovalRepository(database), clock);
    const housekeeper = new Housekeeper(
      config,
      new RetentionRepository(database),
      new DeviceRetentionRepository(database),
      new ApplicationRemovalRepository(database),
      new TallyRepository(database),
      guard,
    );
    const campaigns = new CampaignHousekeeper(
      config,
      new RunRepository(database),
      new CampaignRepository(database, new OverlapRepository(room.control)),
      new ReachRepository(database),
      guard,
    );
    return async () => {
      await housekeeper.tidy();
      await campaigns.tidy();
    };
  }

  async function counts(): Promise<Record<string, number>> {
    const { rows } = await sql<Record<string, number>>`select
      (select count(*)::int from device where retired_at is null) as devices,
      (select count(*)::int from message) as messages,
      (select count(*)::int from message where idempotency_key is not null) as keys`.execute(room.database.kysely);
    return rows[0]!;
  }

  /** Messages of the evening before, each under a key. */
  async function addMessages(): Promise<void> {
    const acceptedAt = new Date(NOW - 20 * 60 * MINUTE);
    for (let index = 0; index < 25; index++)
      await room.accept(applicationId, [], {
        acceptedAt,
        idempotency: { key: `key ${index}`, requestHash: Buffer.from('x') },
      });
    await sql`update message set state = 'finished', finished_at = ${acceptedAt}`.execute(room.database.kysely);
  }

  it.each([280, 31, 2])('a clock that is %i days ahead for a minute removes and retires nothing', async (days) => {
    await addMessages();
    const before = await counts();
    const tidy = newScheduler();
    await tidy();
    clock.at = NOW + days * DAY;
    await tidy();
    clock.at += MINUTE;
    await tidy();
    expect(await counts()).toEqual(before);
    clock.at = NOW + 2 * MINUTE;
    await tidy();
    expect(await counts()).toEqual(before);
    expect(said.warn.filter((line) => line.includes('for an hour'))).toHaveLength(2);
  });

  it('a clock that stays 280 days ahead needs an operator before it removes or retires most rows of a kind', async () => {
    await addMessages();
    const before = await counts();
    const tidy = newScheduler();
    clock.at = NOW + 280 * DAY;
    for (let minutes = 0; minutes < 180; minutes += 30) {
      clock.at += 30 * MINUTE;
      await tidy();
    }
    expect(await counts()).toEqual(before);
    expect(said.warn).toContainEqual(
      expect.stringMatching(
        /^60 of 60 devices unseen for 270 days would be retired at once, .* 20 %.*REMOVE_AT_MOST_PERCENT=100/,
      ),
    );
    expect(said.warn).toContainEqual(expect.stringContaining('25 of 25 messages that ended more than 30 days ago'));
    // Once per kind, not in each round.
    expect(said.warn.filter((line) => line.startsWith('60 of 60'))).toHaveLength(1);
  });

  it('if 30 % of the devices are old, they wait for an operator, and are retired with one line at 100 %', async () => {
    await sql`update device set seen_on = '2026-01-02' where seq in (select seq from device order by seq limit 21)`.execute(
      room.database.kysely,
    );
    await newScheduler()();
    expect(await counts()).toMatchObject({ devices: MANY });
    clock.at += MINUTE;
    await newScheduler(100)();
    expect(await counts()).toMatchObject({ devices: MANY - 21 });
    expect(said.log).toEqual(['21 devices unseen for 270 days: retired']);
  });

  it('retires a few whatever their share, so that a small installation needs no operator', async () => {
    await sql`delete from device where seq in (select seq from device order by seq limit 45)`.execute(
      room.database.kysely,
    );
    await sql`update device set seen_on = '2026-01-02'`.execute(room.database.kysely);
    await newScheduler()();
    expect(await counts()).toMatchObject({ devices: 0 });
  });

  it('without a step of the clock, keys are removed in bursts', async () => {
    await addMessages();
    clock.at = NOW - MINUTE;
    for (let hours = 0; hours < 6; hours++) {
      clock.at += 59 * MINUTE;
      await newScheduler()();
    }
    expect(await counts()).toMatchObject({ keys: 0, messages: 25 });
    expect(said.log).toContain('25 idempotency keys older than a day: forgotten');
  });

  it('after three days without a run, it continues within two hours', async () => {
    await sql`update device set seen_on = '2026-01-02' where seq in (select seq from device order by seq limit 5)`.execute(
      room.database.kysely,
    );
    const tidy = newScheduler();
    clock.at = NOW + 3 * DAY;
    await tidy();
    expect(await counts()).toMatchObject({ devices: MANY });
    for (let minutes = 0; minutes < 90; minutes += 45) {
      clock.at += 45 * MINUTE;
      await tidy();
    }
    expect(await counts()).toMatchObject({ devices: MANY - 5 });
  });

  it('devices seen in 1970 or in 2100 count as seen now; in 1970 nothing is removed', async () => {
    await sql`update device set seen_on = case when seq % 2 = 0 then date '1970-01-01' else date '2100-01-01' end`.execute(
      room.database.kysely,
    );
    const tidy = newScheduler(100);
    clock.at = Date.parse('1970-01-01T00:10:00Z');
    await tidy();
    clock.at = NOW;
    await tidy();
    const { rows } = await sql`select distinct seen_on::text, retired_at from device`.execute(room.database.kysely);
    expect(rows).toEqual([{ seen_on: '2026-11-23', retired_at: null }]);
  });
});
