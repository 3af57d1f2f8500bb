import { readFileSync } from 'node:fs';
import { expect, inject, it } from 'vitest';
import { effectsFile } from '../../../scripts/step-effects.js';
import { inspectDatabase } from '../../../src/database/database.js';
import { runSteps } from '../../../src/database/migrate.js';
import { planLines } from '../../../src/database/migration-plan.js';
import { EFFECTS } from '../../../src/database/migrations/effects.js';
import { MIGRATIONS } from '../../../src/database/migrations/migrations.js';
import { openPostgres } from '../../../src/database/postgres.js';
import { createDatabase } from '../../harness/servers.js';

it('the effects of the steps are those of a run (npm run documents writes them)', async () => {
  expect(readFileSync('src/database/migrations/effects.ts', 'utf8')).toBe(await effectsFile());
});

it('a step that removes what programs before it use demands a step of theirs', () => {
  const removals = Object.entries(EFFECTS).filter(([name, { removed }]) => removed.length > 0 && name > '0055');
  expect(removals.map(([name]) => name).filter((name) => MIGRATIONS[name]?.demands === undefined)).toEqual([]);
});

it('a demanded step exists', () => {
  const demanded = Object.values(MIGRATIONS).flatMap(({ demands }) => demands ?? []);
  expect(demanded.filter((name) => !(name in MIGRATIONS))).toEqual([]);
});

it('the plan lists missing steps with the locks and rows of this database, and changes nothing', async () => {
  const url = await createDatabase(inject('postgresUrl'));
  const plan = async (): Promise<string[]> => {
    const database = await inspectDatabase(url);
    try {
      return await planLines(database);
    } finally {
      await database.close();
    }
  };
  const steps = Object.keys(MIGRATIONS).length;
  const place = `PostgreSQL at ${new URL(url).host}${new URL(url).pathname}`;
  expect(await plan()).toEqual([`${place} is new: ${steps} steps make the tables in one transaction`]);

  const opened = await openPostgres(url);
  const missing = ['0047-approval', '0053-session-check'];
  const older = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => !missing.includes(name)));
  await runSteps(opened.pool, opened.schema, place, older);
  await opened.pool.query('analyze');
  await opened.close();
  for (let times = 0; times < 2; times++)
    expect(await plan()).toEqual([
      `Missing steps of ${place}: 2. Each is a transaction, which waits at most 2 s for a lock and is then tried again.`,
      '0047-approval: beside running processes',
      '  application: locked for a moment',
      expect.stringMatching(/^ {2}campaign: locked while its rows are read \(about 0 rows, \d+ kB\)$/),
      expect.stringMatching(/^ {2}message: locked while its rows are read \(about 0 rows, \d+ kB\)$/),
      '0053-session-check: beside running processes',
      '  console_session: locked for a moment',
    ]);

  const again = await openPostgres(url);
  await runSteps(again.pool, again.schema, place);
  await again.close();
  expect(await plan()).toEqual([`No step is missing (${place})`]);
});
