import { nextFiring, readSchedule } from '../../../src/campaigns/schedule/schedule.js';
import type { ScheduleSpec } from '../../../src/campaigns/schedule/schedule.js';
import { openDatabase } from '../../../src/database/database.js';
import type { Database } from '../../../src/database/database.js';
import type pg from 'pg';
import { Scheduling } from './scheduling.js';
import type { SchedulingRoom } from './scheduling.js';

/**
 * Processes that look for due campaigns on one database, with different clocks, killed at any moment and started again;
 * simulated time runs as fast as they manage. A process consists of the real repositories over its own connections; a
 * kill destroys its connections.
 */

export interface Storm {
  campaigns: number;
  processes: number;
  /** Simulated seconds. */
  seconds: number;
  /** Largest offset of a clock, ms. */
  skewMs: number;
  /** Probability of a kill per look. */
  kill: number;
  random: () => number;
}

export interface StormReport {
  /** Firings that were due by every clock. */
  expected: number;
  firings: number;
  messages: number;
  missing: number;
  repeated: number;
  unexpected: number;
  kills: number;
  looks: number;
}

const START = Date.UTC(2026, 9, 25, 0, 55);
const CRONS = [
  '* * * * *',
  '*/2 * * * *',
  '*/5 * * * *',
  '30 * * * * *',
  '*/20 * * * * *',
  '7 */3 * * * *',
  '58 0 * * *',
];
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'];

class Process {
  private database: Database | null = null;
  private scheduling: Scheduling | null = null;

  constructor(
    private readonly url: string,
    private readonly skewMs: number,
  ) {}

  async look(now: number): Promise<void> {
    if (!this.scheduling) {
      this.database = await openDatabase({ databaseUrl: this.url, dataDir: '' });
      this.scheduling = new Scheduling(this.database);
    }
    await this.scheduling.look(now + this.skewMs);
  }

  /** Like the kernel for the sockets of a killed process. */
  kill(): void {
    const { database } = this;
    [this.database, this.scheduling] = [null, null];
    const clients = (database?.pool as unknown as { _clients: pg.Client[] } | undefined)?._clients ?? [];
    for (const client of clients)
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    database?.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.database?.close();
  }
}

export async function playStorm(room: SchedulingRoom, storm: Storm): Promise<StormReport> {
  const url = room.url();
  const specs = await addCampaigns(room, storm);
  const processes = Array.from(
    { length: storm.processes },
    (_, index) => new Process(url, Math.round(((2 * index) / (storm.processes - 1) - 1) * storm.skewMs)),
  );
  let [kills, looks] = [0, 0];
  for (let second = 0; second < storm.seconds; second++)
    await Promise.all(
      processes.map(async (each) => {
        // Not every process looks in each second.
        if (storm.random() < 0.3) return;
        looks++;
        const looking = each.look(START + second * 1_000).catch(() => undefined);
        if (storm.random() < storm.kill) {
          kills++;
          await new Promise((resolve) => setTimeout(resolve, storm.random() * 15));
          each.kill();
        }
        await looking;
      }),
    );
  // A process that is not killed fires the rest.
  const last = new Process(url, 0);
  await last.look(START + storm.seconds * 1_000);
  await Promise.all([last, ...processes].map((each) => each.close()));
  return { ...(await count(room, specs, storm)), kills, looks };
}

async function addCampaigns(room: SchedulingRoom, storm: Storm): Promise<Map<number, ScheduleSpec>> {
  const applicationId = await room.addApplication();
  const specs = new Map<number, ScheduleSpec>();
  for (let index = 0; index < storm.campaigns; index++) {
    const at = new Date(START + Math.round(storm.random() * storm.seconds) * 1_000).toISOString();
    const timeZone = ZONES[index % ZONES.length] ?? 'UTC';
    const schedule: ScheduleSpec =
      index % 10 === 0 ? { at: [at], timeZone } : { cron: CRONS[index % CRONS.length] ?? '', timeZone };
    const policies = { catchUp: 'all' as const };
    const { seq } = await room.addCampaign(applicationId, START - 1, { schedule, policies });
    specs.set(seq, schedule);
  }
  return specs;
}

async function count(
  room: SchedulingRoom,
  specs: ReadonlyMap<number, ScheduleSpec>,
  storm: Storm,
): Promise<Omit<StormReport, 'kills' | 'looks'>> {
  const rows = await room.database.kysely
    .selectFrom('campaign_run')
    .leftJoin('campaign_wave', 'campaign_wave.run_seq', 'campaign_run.seq')
    .leftJoin('campaign_message', 'campaign_message.wave_seq', 'campaign_wave.seq')
    .select(({ fn }) => ['campaign_seq', 'scheduled_at', fn.count<string>('message_seq').as('messages')])
    .groupBy(['campaign_seq', 'scheduled_at', 'campaign_run.seq'])
    .execute();
  const found = new Map<string, number>();
  for (const row of rows) {
    const key = `${row.campaign_seq} ${row.scheduled_at.getTime()}`;
    found.set(key, (found.get(key) ?? 0) + Number(row.messages));
  }
  const { messages } = await room.database.kysely
    .selectFrom('message')
    .select(({ fn }) => fn.countAll<string>().as('messages'))
    .executeTakeFirstOrThrow();
  const report = {
    expected: 0,
    firings: rows.length,
    messages: Number(messages),
    missing: 0,
    repeated: 0,
    unexpected: 0,
  };
  const end = START + storm.seconds * 1_000;
  for (const [seq, spec] of specs) {
    const schedule = readSchedule(spec);
    for (
      let next = nextFiring(schedule, START - 1);
      next && next.at <= end + storm.skewMs;
      next = nextFiring(schedule, next.at)
    ) {
      const key = `${seq} ${next.at}`;
      const times = found.get(key) ?? 0;
      found.delete(key);
      // Later moments have been seen only by clocks that are ahead.
      if (next.at > end) continue;
      report.expected++;
      if (times === 0) report.missing++;
      if (times > 1) report.repeated++;
    }
  }
  report.unexpected = found.size;
  return report;
}

/** A small, fast generator with reproducible numbers (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
