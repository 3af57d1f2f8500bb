import { parseArgs } from 'node:util';
import { runChaos } from './chaos/run.js';
import type { ChaosResult } from './chaos/run.js';
import { MissingProgram } from './chaos/stage.js';
import type { Place } from './chaos/stage.js';

/**
 * A seeded run of disasters: checks that nothing is lost, that every delivery is accounted for, and that repeats stay
 * within their limit. Exits 1 if one of these fails, 2 if a server program is missing.
 */

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    devices: { type: 'string' },
    queue: { type: 'string', default: 'redis' },
    database: { type: 'string', default: 'servers' },
    short: { type: 'boolean', default: false },
  },
});

const database = oneOf('database', values.database, ['servers', 'embedded'] as const);
const place: Place = { database, queue: oneOf('queue', values.queue, ['redis', 'postgres'] as const) };
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const devices = Number(values.devices ?? (values.short ? 4_000 : database === 'embedded' ? 30_000 : 200_000));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const where = database === 'embedded' ? 'the embedded database' : `PostgreSQL, queue on ${values.queue}`;
say(`${devices} devices on ${where}; again with --seed=${seed}`);
try {
  const result = await runChaos({ ...place, seed, devices, short: values.short, log: say });
  printTable(result);
  for (const words of result.broken) say(`BROKEN  ${words}`);
  const { audience, lost, repeated, repeatBound, wronglyInvalidated } = result;
  const { accepted, unknown } = result.outcomes;
  const summary = { audience, accepted, lost, repeated, repeatBound, unknown, wronglyInvalidated, seed };
  say(JSON.stringify({ bench: 'chaos', ...summary }));
  process.exitCode = result.broken.length > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof MissingProgram)) throw error;
  say(error.message);
  process.exitCode = 2;
}

function printTable(result: ChaosResult): void {
  const { accepted, rejected, expired, cancelled, failed, unknown } = result.outcomes;
  const rows: [string, number | string][] = [
    ['messages', result.messages],
    ['audience', result.audience],
    ['sent (writes)', result.written],
    ['accepted', accepted],
    ['rejected', rejected],
    ['expired', expired],
    ['cancelled', cancelled],
    ['failed', failed],
    ['unknown', unknown],
    ['lost', result.lost],
    ['repeated', result.repeated],
    ['  at most', `${result.repeatBound}  in flight at crashes, and written again after an unclear answer`],
    ['wrongly invalidated', result.wronglyInvalidated],
    ['longest stall', `${(result.longestStallMs / 1_000).toFixed(1)} s`],
    ['took', `${result.seconds.toFixed(0)} s`],
  ];
  say('');
  for (const [name, value] of rows) say(`${name.padEnd(22)}${String(value).padStart(8)}`);
}

function oneOf<T extends string>(name: string, given: string, known: readonly T[]): T {
  const found = known.find((each) => each === given);
  if (!found) throw new Error(`--${name} is ${known.join(' or ')}`);
  return found;
}
