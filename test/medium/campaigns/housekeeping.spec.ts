import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { sql } from 'kysely';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CampaignHousekeeper } from '../../../src/campaigns/campaign.housekeeper.js';
import { CampaignRepository } from '../../../src/campaigns/campaign.repository.js';
import { RunRepository } from '../../../src/campaigns/run.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { CONFIG } from '../../../src/common/tokens.js';
import { DATABASE } from '../../../src/database/database.module.js';
import { ReachRepository } from '../../../src/delivery/expand/reach.repository.js';
import { RemovalGuard } from '../../../src/delivery/upkeep/removal-guard.js';
import { RemovalRepository } from '../../../src/delivery/upkeep/removal.repository.js';
import { CampaignRoom } from './room.js';
import { HOUR } from './scheduling.js';

let room: CampaignRoom;
beforeEach(async () => {
  room = await CampaignRoom.open();
}, 60_000);
afterEach(async () => {
  vi.useRealTimers();
  await room.remove();
});

it('old runs, keys, rates and counts of reached users are removed within a minute of the start', async () => {
  const { kysely } = room.database;
  const old = new Date(Date.now() - 40 * 24 * HOUR);
  const applicationId = await room.addApplication();
  const { seq } = await room.addCampaign(applicationId, old.getTime(), {
    schedule: { cron: '0 9 1 1 *' },
  });
  await kysely
    .insertInto('campaign_run')
    .values({ campaign_seq: seq, scheduled_at: old, manual: false, state: 'skipped', created_at: old })
    .execute();
  await kysely
    .updateTable('campaign')
    .set({ idempotency_key: 'k', request_hash: Buffer.alloc(32) })
    .execute();
  await kysely.insertInto('message_rate').values({ next_ms: old.getTime() }).execute();
  await kysely.insertInto('reach').values({ application_id: applicationId, person: 'ann', keys: '{1}' }).execute();
  const count = async () => {
    const tables = ['campaign_run', 'message_rate', 'reach'] as const;
    const rows = await Promise.all(tables.map((table) => kysely.selectFrom(table).selectAll().execute()));
    const keyed = await kysely.selectFrom('campaign').where('idempotency_key', 'is not', null).selectAll().execute();
    return rows.flat().length + keyed.length;
  };
  expect(await count()).toBe(4);

  @Module({
    imports: [ScheduleModule.forRoot()],
    providers: [
      { provide: DATABASE, useValue: room.database },
      { provide: CONFIG, useValue: { retention: { messageDays: 30, atMostPercent: 20 } } },
      { provide: Clock, useFactory: () => new Clock() },
      { provide: RunRepository, useFactory: () => room.runs },
      { provide: CampaignRepository, useFactory: () => room.campaigns },
      { provide: ReachRepository, useFactory: () => room.reach },
      { provide: RemovalRepository, useFactory: () => new RemovalRepository(room.database) },
      RemovalGuard,
      CampaignHousekeeper,
    ],
  })
  class Scheduler {}

  await sql`update housekeeping set looked_at = now()`.execute(kysely);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const app = await NestFactory.createApplicationContext(Scheduler, { logger: false });
  await vi.advanceTimersByTimeAsync(60_000);
  while ((await count()) > 0) await turn();
  await app.close();
});
