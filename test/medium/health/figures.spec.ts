import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/database/database.js';
import { FiguresRepository } from '../../../src/metrics/figures.repository.js';
import { PLACES, openPlace } from '../database/places.js';

/** `npm run bench:scrapes` counts the readings of six processes at a million devices. */

describe.each(PLACES)('the figures of rows on %s', (place) => {
  let database: Database;
  let remove: () => Promise<void>;
  beforeAll(async () => ({ database, remove } = await openPlace(place)));
  afterAll(() => remove());

  it('are read by one of six processes, once in each interval, and by another one if the first has died', async () => {
    const processes = Array.from({ length: 6 }, () => new FiguresRepository(database));
    const readers = async (): Promise<number> =>
      (await Promise.all(processes.map((each) => each.take(10)))).filter(Boolean).length;
    const passTime = (seconds: number) =>
      sql`update metric_figures set taken_at = taken_at - make_interval(secs => ${seconds}),
        lease_until = lease_until - make_interval(secs => ${seconds})`.execute(database.kysely);
    expect(await readers()).toBe(1);
    // The lease of the first is 15 s.
    expect(await readers()).toBe(0);
    await passTime(16);
    expect(await readers()).toBe(1);
    await processes[0]!.keep({ applications: [], samples: {} });
    expect(await readers()).toBe(0);
    await passTime(11);
    expect(await readers()).toBe(1);
  });
});
