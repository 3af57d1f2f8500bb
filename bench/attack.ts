import { parseArgs } from 'node:util';
import { describe, runAttacks } from './attack/run.js';
import { MissingProgram } from './attack/stage.js';

/**
 * One caller, one push service or one odd answer against the rest: each attack runs beside a neighbour that sends one
 * message after another. Exits 1 if a message was lost, a turn of the loop took over 50 ms, an attack succeeded, or a
 * neighbour's p99 more than doubled, also against the p99 beside the same attack on another installation of the
 * machine; 2 if a server program is missing.
 */

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, only: { type: 'string', default: '' } },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

say(
  'attack, longest turn of the loop of api and worker (ms of CPU), of api by the clock, p99 of the neighbour without and',
);
say('with the attack (ms), and with an attack on another installation if needed, lost messages of the neighbour');
try {
  const rows = await runAttacks({ attackMs: Number(values.seconds) * 1_000, only: values.only, log: say });
  const broken = rows.filter((row) => row.broken.length > 0);
  say('');
  for (const row of broken) say(`BROKEN  ${describe(row)}`);
  say(JSON.stringify({ bench: 'attack', attacks: rows.length, broken: broken.length, rows }));
  process.exitCode = broken.length > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof MissingProgram)) throw error;
  say(error.message);
  process.exitCode = 2;
}
