/**
 * Ten schedulers on one PostgreSQL with clocks up to five seconds off either way, killed in the middle of transactions
 * and started again, for ten minutes of simulated time over a thousand campaigns, in the night in which Europe's clocks
 * go back.
 *
 *   npm run campaigns:storm
 *   npm run campaigns:storm -- --campaigns=200 --seconds=120 --seed=3
 *
 * Exits non-zero unless each due firing is exactly one message. Needs PostgreSQL (Debian: postgresql).
 */
import { parseArgs } from 'node:util';
import { openDatabase } from '../src/database/database.js';
import { startPostgres } from '../test/harness/servers.js';
import { SchedulingRoom } from '../test/medium/campaigns/scheduling.js';
import { playStorm, seeded } from '../test/medium/campaigns/storm.js';

const { values: options } = parseArgs({
  options: {
    campaigns: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: '1' },
  },
});

const server = await startPostgres();
const database = await openDatabase({ databaseUrl: server.url, dataDir: '' });
const started = Date.now();
const report = await playStorm(new SchedulingRoom(database), {
  campaigns: Number(options.campaigns),
  processes: 10,
  seconds: Number(options.seconds),
  skewMs: 5_000,
  kill: 0.05,
  random: seeded(Number(options.seed)),
});
await database.close();
await server.stop();
console.table([report]);
const broken =
  report.missing + report.repeated + report.unexpected > 0 ||
  report.messages !== report.firings ||
  report.expected === 0;
if (broken) console.error('BROKEN: a due firing is not exactly one message');
console.log(
  JSON.stringify({ bench: 'campaigns-storm', seed: Number(options.seed), ...report, ms: Date.now() - started }),
);
process.exit(broken ? 1 : 0);
