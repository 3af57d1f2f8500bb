/**
 * Measures ten thousand active campaigns on one PostgreSQL: the cost and the plan of a look for due campaigns, the cost
 * of the built program while it waits, and the delay from the scheduled time to the commit of a message when a thousand
 * campaigns fire at the same time.
 *
 *   npm run bench:campaigns
 *
 * Needs PostgreSQL (Debian: postgresql) and Linux' /proc. Exits non-zero when a firing is missing or comes twice; never
 * because the machine was slow.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../src/database/database.js';
import { startCarillon } from '../test/harness/carillon.js';
import { SchedulingRoom } from '../test/medium/campaigns/scheduling.js';
import { quantile } from './quantile.js';
import { Cluster, clusterCells } from './servers/cluster.js';
import { startDurablePostgres } from './servers/durable.js';

const WAITING = 10_000;
const AT_ONCE = 1_000;
const LOOKS = 200;
const IDLE_S = 20;
/** The time for creating the campaigns before the thousand fire. */
const AHEAD_MS = 8_000;
/** The time between two looks at the number of messages. */
const LOOK_MS = 100;
const CLOCK_TICKS = 100;

const server = await startDurablePostgres();
const database = await openDatabase({ databaseUrl: server.url, dataDir: '' });
const room = new SchedulingRoom(database);
const applicationId = await room.addApplication();
const zones = ['Europe/Berlin', 'America/New_York', 'recipient', 'UTC'];
for (let index = 0; index < WAITING; index++)
  await room.addCampaign(applicationId, Date.now() + 86_400_000, {
    schedule: { cron: `${index % 60} ${index % 24} * * *`, timeZone: zones[index % 4] },
  });
await database.pool.query('analyze');

const { rows: plan } = await database.pool.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers)
  select campaign.seq from campaign join application on application.id = campaign.application_id
  where campaign.state = 'active' and campaign.due_at <= now()
  order by campaign.due_at limit 25 for update of campaign skip locked`);
console.log(plan.map((row) => row['QUERY PLAN']).join('\n'));

const times: number[] = [];
for (let look = 0; look < LOOKS; look++) {
  const started = performance.now();
  await room.look(Date.now());
  times.push(performance.now() - started);
}
const lookMs = { p50: hundredths(quantile(times, 0.5)), p99: hundredths(quantile(times, 0.99)) };

const environment = { DATABASE_URL: server.url, MASTER_KEY: randomBytes(32).toString('base64') };
const scheduler = await startCarillon({ ...environment, ROLES: 'scheduler' });
const schedulerAlone = await idleShare(scheduler.pid);
await scheduler.stop();
const carillon = await startCarillon(environment);
const wholeProgram = await idleShare(carillon.pid);
const at = Math.ceil((Date.now() + AHEAD_MS) / 1_000) * 1_000;
const ids = new Set<number>();
for (let index = 0; index < AT_ONCE; index++)
  ids.add((await room.addCampaign(applicationId, Date.now(), { schedule: { at: [new Date(at).toISOString()] } })).seq);
const lags: number[] = [];
const cluster = await Cluster.open(server);
const firing = await cluster.measure(async () => {
  while (lags.length < AT_ONCE && Date.now() < at + 30_000) {
    const { rows } = await database.pool.query<{ count: number }>(
      'select count(*)::int as count from campaign_message',
    );
    const lag = Date.now() - at;
    for (let seen = lags.length; seen < (rows[0]?.count ?? 0); seen++) lags.push(lag);
    await delay(LOOK_MS);
  }
  return lags.length;
});
const { rows: made } = await database.pool.query<{ runs: number; messages: number }>(`select
  (select count(*)::int from campaign_run) as runs, (select count(*)::int from campaign_message) as messages`);
await carillon.stop();
await database.close();
await cluster.close();
await server.stop();

const lagMs = { p50: hundredths(quantile(lags, 0.5)), p99: hundredths(quantile(lags, 0.99)) };
console.table({
  'a look, ms': lookMs,
  'lag of a thousand at once, ms': lagMs,
  'CPU of an idle scheduler, %': { p50: schedulerAlone },
  'CPU of the idle program, all roles, %': { p50: wholeProgram },
});
console.log('PostgreSQL, a firing (one message without a device)');
console.table([clusterCells(firing)]);
const broken = made[0]?.runs !== AT_ONCE || made[0].messages !== AT_ONCE;
if (broken) console.error(`BROKEN: ${AT_ONCE} firings, ${JSON.stringify(made[0])}`);
console.log(
  JSON.stringify({
    bench: 'campaigns',
    waiting: WAITING,
    lookMs,
    lagMs,
    firing,
    idleCpuPercent: { scheduler: schedulerAlone, program: wholeProgram },
  }),
);
process.exit(broken ? 1 : 0);

/** CPU use without work, in percent of one core. */
async function idleShare(pid: number): Promise<number> {
  await delay(5_000);
  const before = cpuSeconds(pid);
  await delay(IDLE_S * 1_000);
  return hundredths(((cpuSeconds(pid) - before) / IDLE_S) * 100);
}

function hundredths(value: number): number {
  return Number(value.toFixed(2));
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}
