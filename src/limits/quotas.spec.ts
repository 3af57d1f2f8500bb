import { describe, expect, it } from 'vitest';
import { Quotas } from './quotas.js';

/** Quotas of 100 on a clock that a test sets; counting takes `costMs` of it. */
function quotasOfHundred(costMs = 0) {
  const time = { now: 1_000 };
  const database = { tags: 0, asked: 0 };
  const quotas = { campaigns: 100, tags: 100, scheduledMessages: 100, devices: 100 };
  const subject = new Quotas({ quotas }, { now: () => time.now, steps: () => 0, elapsed: () => time.now });
  const count = (): Promise<number> => {
    database.asked++;
    time.now += costMs;
    return Promise.resolve(database.tags);
  };
  return { time, database, grant: (wanted: number) => subject.grant('tags', 'a', wanted, count), subject, count };
}

describe('Quotas', () => {
  it('grants what is left, and the refusal names the quota, its value and its setting', async () => {
    const { database, grant, subject, count } = quotasOfHundred();
    database.tags = 97;
    expect(await grant(2)).toBe(2);
    database.tags = 99;
    expect(await grant(2)).toBe(1);
    await expect(subject.take('tags', 'a', 2, count)).rejects.toThrow(
      expect.objectContaining({
        status: 409,
        message: 'An application can have 100 tags at most (the setting QUOTA_TAGS).',
      }) as Error,
    );
  });

  it('far from the quota, the database is asked once in ten seconds', async () => {
    const { time, database, grant } = quotasOfHundred();
    for (let tag = 0; tag < 50; tag++) expect(await grant(1)).toBe(1);
    expect(database.asked).toBe(1);
    time.now += 10_000;
    await grant(1);
    expect(database.asked).toBe(2);
  });

  it('near the quota, what was removed makes room at once, and a slow count is used for twenty times its duration', async () => {
    const quick = quotasOfHundred();
    quick.database.tags = 100;
    expect(await quick.grant(1)).toBe(0);
    quick.database.tags = 99;
    expect(await quick.grant(1)).toBe(1);

    const slow = quotasOfHundred(100);
    slow.database.tags = 100;
    expect(await slow.grant(1)).toBe(0);
    slow.database.tags = 99;
    slow.time.now += 1_999;
    expect(await slow.grant(1)).toBe(0);
    slow.time.now += 1;
    expect(await slow.grant(1)).toBe(1);
  });

  it('what was refused as a whole takes no room', async () => {
    const { time, database, grant, subject, count } = quotasOfHundred(1);
    database.tags = 98;
    await expect(subject.take('tags', 'a', 3, count)).rejects.toMatchObject({ code: 'CARIL0409E' });
    const asked = database.asked;
    time.now += 1;
    await subject.take('tags', 'a', 2, count);
    expect(await grant(1)).toBe(0);
    expect(database.asked).toBe(asked);
  });

  it('requests that come while it is counted share the count, and together do not exceed the quota', async () => {
    const { database, grant } = quotasOfHundred();
    database.tags = 98;
    const granted = await Promise.all(Array.from({ length: 10 }, () => grant(1)));
    expect(granted.reduce((sum, each) => sum + each)).toBe(2);
    expect(database.asked).toBe(1);
  });

  it('a count that fails refuses the request, and the next request counts again', async () => {
    const { subject, grant } = quotasOfHundred();
    await expect(subject.grant('tags', 'a', 1, () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await grant(1)).toBe(1);
  });
});
