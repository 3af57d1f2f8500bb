import { parseArgs } from 'node:util';
import { runClocks } from './clocks/run.js';
import { MissingProgram } from './clocks/stage.js';
import { STEPS } from './clocks/steps.js';

/**
 * Changes the clocks of one process, of all, of the database and of everything during the work, and corrects them seven
 * seconds later. Exits 1 if something was sent twice, was removed, or stood still for over a minute after the
 * correction; 2 if a program is missing.
 */

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '14' }, only: { type: 'string', default: '' } },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const steps = STEPS.filter(({ who, by }) => `${who} ${by}`.includes(values.only));

say(
  'what was set, seconds until all was done after the clock was right, sent twice, removed, expired, what was done last',
);
try {
  const { rows, left } = await runClocks(steps, { forMs: Number(values.minutes) * 60_000, log: say });
  const broken = rows.filter((row) => row.broken.length > 0);
  say('');
  if (left > 0) say(`${left} steps were left out for want of time (--minutes)`);
  for (const row of broken) say(`BROKEN  ${row.step}: ${row.broken.join('; ')}`);
  say(JSON.stringify({ bench: 'clocks', steps: rows.length, left, broken: broken.length, rows }));
  process.exitCode = broken.length > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof MissingProgram)) throw error;
  say(error.message);
  process.exitCode = 2;
}
