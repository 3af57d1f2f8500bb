import { expect, it } from 'vitest';
import { runClocks } from '../../bench/clocks/run.js';
import { MissingProgram } from '../../bench/clocks/stage.js';
import { SHORT } from '../../bench/clocks/steps.js';

/** The short form of `npm run clocks`. */
it('clocks that step during the work: nothing sent twice, nothing removed, nothing stuck for over a minute', async ({
  skip,
}) => {
  const lines: string[] = [];
  const played = await runClocks(SHORT, { log: (line) => void lines.push(line) }).catch((error: unknown) => {
    if (!(error instanceof MissingProgram) || process.env.CI === 'true') throw error;
    process.stderr.write(`LEFT OUT: clocks that step. ${error.message}\n`);
    return skip(error.message);
  });
  expect(
    played.rows.flatMap(({ broken }) => broken),
    lines.join('\n'),
  ).toEqual([]);
  expect(played.rows).toHaveLength(SHORT.length);
});
