import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { StartError } from '../../../src/common/start-error.js';
import type { Database } from '../../../src/database/database.js';
import { QUEUE_NAMES, deliverJob, expandJob } from '../../../src/queue/jobs.js';
import { Queues } from '../../../src/queue/queue.js';
import { PLACES, openPlace } from '../database/places.js';
import { REDIS_AVAILABLE, startRedis } from './redis-server.js';
import type { RedisServer } from './redis-server.js';

/** A worker of BullMQ that is not told of a job looks for one every 5 s. */
const TAKEN_MS = 3_000;

const REDIS_NEEDS_NO_DATABASE = {} as Database;

const BACKENDS = [...PLACES, ...(REDIS_AVAILABLE ? (['Redis'] as const) : [])];

describe.each(BACKENDS)('a queue on %s', (backend) => {
  let database: Database;
  let removeDatabase: () => Promise<void>;
  let redis: RedisServer | undefined;
  let queues: Queues;
  beforeAll(async () => {
    ({ database, remove: removeDatabase } = await openPlace(backend === 'PostgreSQL' ? backend : 'embedded'));
  });
  afterAll(() => removeDatabase());
  /** By the database's clock: older connections belong to another test and may still be closing. */
  let openedAt: unknown;
  const errors: Error[] = [];
  const note = (error: Error) => void errors.push(error);
  beforeAll(async () => {
    if (backend === 'Redis') redis = await startRedis();
  });
  afterAll(() => redis?.stop());
  beforeEach(async () => {
    errors.length = 0;
    openedAt = (await database.pool.query<{ now: Date }>('select clock_timestamp() as now')).rows[0]?.now;
    queues = await Queues.open({ queueUrl: redis?.url }, database, note);
  });
  afterEach(() => queues.close());

  /** Works a queue and collects its jobs in order. */
  function collect(name: 'expand' | 'deliver-apns'): { id: number; at: number }[] {
    const taken: { id: number; at: number }[] = [];
    queues.work(name, 1, ({ id }) => {
      taken.push({ id, at: performance.now() });
      return Promise.resolve();
    });
    return taken;
  }
  /** The ids of the first `count` jobs. */
  async function arrived(taken: { id: number }[], count: number): Promise<number[]> {
    await vi.waitFor(() => expect(taken.length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 10 });
    return taken.map(({ id }) => id);
  }

  it('a worker is told of a job that is added, also a worker that has been idle for long', async () => {
    const taken = collect('expand');
    for (const id of [1, 2, 3]) {
      const added = performance.now();
      await queues.add('expand', [expandJob(id)]);
      expect((await arrived(taken, id)).at(-1)).toBe(id);
      expect((taken.at(-1)?.at ?? Infinity) - added).toBeLessThan(TAKEN_MS);
      // A pause on purpose: a worker that has just finished looks for more by itself, an idle one must be told.
      await delay(300);
    }
    expect(errors).toEqual([]);
  });

  it('a worker starts each job before it requests the next, and runs as many at once as it may', async () => {
    const fetched = vi.spyOn(Worker.prototype as unknown as { nextJobFromJobData(): unknown }, 'nextJobFromJobData');
    onTestFinished(() => fetched.mockRestore());
    await queues.add(
      'expand',
      Array.from({ length: 30 }, (_, index) => expandJob(index)),
    );
    const fetchedAtStart: number[] = [];
    let endAll!: () => void;
    const allRun = new Promise<void>((resolve) => (endAll = resolve));
    queues.work('expand', 20, async () => {
      fetchedAtStart.push(fetched.mock.calls.length);
      if (fetchedAtStart.length === 20) endAll();
      await allRun;
    });
    await vi.waitFor(() => expect(fetchedAtStart).toHaveLength(30), { timeout: 10_000, interval: 10 });
    expect(fetchedAtStart.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('a worker takes each job at once, however additions and ends of others fall together', async () => {
    const waits: number[] = [];
    const addedAt = new Map<number, number>();
    queues.work('expand', 4, async ({ id }) => {
      waits.push(performance.now() - addedAt.get(id)!);
      await delay(Math.random() * 5);
    });
    for (let id = 0; id < 300; id++) {
      addedAt.set(id, performance.now());
      await queues.add('expand', [expandJob(id)]);
      // Chosen on purpose around the length of a job: the worker is drained at some of the additions.
      await delay(Math.random() * 5);
    }
    await vi.waitFor(() => expect(waits).toHaveLength(300), { timeout: 10_000, interval: 10 });
    expect(Math.max(...waits)).toBeLessThan(TAKEN_MS);
  });

  it('runs an id once that is added twice', async () => {
    await queues.add('expand', [expandJob(1), expandJob(1)]);
    await queues.add('expand', [expandJob(1)]);
    await queues.add('expand', [expandJob(2)]);
    expect(await arrived(collect('expand'), 2)).toEqual([1, 2]);
  });

  it('accepts an id again after its job ran', async () => {
    const taken = collect('expand');
    await queues.add('expand', [expandJob(1)]);
    await arrived(taken, 1);
    // The id is removed a moment after its job ran; like the sweeper, the test adds it until it runs.
    await vi.waitFor(
      async () => {
        await queues.add('expand', [expandJob(1)]);
        expect(taken.length).toBeGreaterThanOrEqual(2);
      },
      { timeout: 10_000, interval: 100 },
    );
  });

  it('delays a job for the given time, in fractions of a millisecond', async () => {
    const taken = collect('deliver-apns');
    const added = performance.now();
    await queues.add('deliver-apns', [deliverJob({ id: 7, epoch: 1, urgent: true, applicationId: 'app' }, 400.0071)]);
    expect(await arrived(taken, 1)).toEqual([7]);
    const waited = (taken[0]?.at ?? 0) - added;
    // Timers and clocks have whole milliseconds.
    expect(waited).toBeGreaterThanOrEqual(398);
    expect(waited).toBeLessThan(400 + TAKEN_MS);
  });

  it('runs batches by rank: two applications take turns, even if one came later', async () => {
    const batch = (id: number, rank: number) => deliverJob({ id, epoch: 0, urgent: false, applicationId: 'app', rank });
    await queues.add('deliver-apns', [batch(1, 1), batch(2, 2), batch(3, 3)]);
    await queues.add('deliver-apns', [batch(11, 1), batch(12, 2)]);
    expect(await arrived(collect('deliver-apns'), 5)).toEqual([1, 11, 2, 12, 3]);
  });

  it('retries a job that fails, and reports the failure', async () => {
    let runs = 0;
    queues.work('expand', 1, () => {
      runs++;
      return runs === 1 ? Promise.reject(new Error('database away')) : Promise.resolve();
    });
    await queues.add('expand', [expandJob(1)]);
    await vi.waitFor(() => expect(runs).toBe(2), { timeout: 10_000 });
    expect(errors.map((error) => error.message)).toEqual(['database away']);
  });

  it('retries a job that fails while this host’s clock is an hour ahead, without waiting for that hour', async () => {
    let runs = 0;
    const clock = vi.spyOn(Date, 'now');
    queues.work('expand', 1, () => {
      runs++;
      if (runs > 1) return Promise.resolve(clock.mockRestore());
      const ahead = Date.now() + 3_600_000;
      clock.mockImplementation(() => ahead);
      return Promise.reject(new Error('the clock is wrong'));
    });
    await queues.add('expand', [expandJob(1)]);
    await vi.waitFor(() => expect(runs).toBe(2), { timeout: 10_000 }).finally(() => clock.mockRestore());
  });

  it('stopping waits for the current job and takes no other', async () => {
    let release: (() => void) | undefined;
    const taken: number[] = [];
    queues.work('expand', 1, ({ id }) => {
      taken.push(id);
      return new Promise((resolve) => (release = resolve));
    });
    await queues.add('expand', [expandJob(1), expandJob(2)]);
    await vi.waitFor(() => expect(taken).toEqual([1]), { timeout: 20_000 });
    let stopped = false;
    const stopping = queues.stopWorkers().then(() => (stopped = true));
    await queues.ping();
    expect(stopped).toBe(false);
    release?.();
    await stopping;
    expect(taken).toEqual([1]);
    // The other job is still there for the next process.
    expect(await arrived(collect('expand'), 1)).toEqual([2]);
  });

  it.runIf(backend === 'PostgreSQL')('holds 16 connections and one per worker, under any load', async () => {
    const jobs = 40;
    let ran = 0;
    for (const name of QUEUE_NAMES)
      queues.work(name, 8, () => {
        ran++;
        return Promise.resolve();
      });
    const ids = Array.from({ length: jobs }, (_, id) => id);
    let most = 0;
    const count = async () => {
      const { rows } = await database.pool.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
          and backend_start >= $1 and application_name <> 'carillon-migrations'`,
        [openedAt],
      );
      most = Math.max(most, rows[0]?.count ?? 0);
      expect(ran).toBe(QUEUE_NAMES.length * jobs);
    };
    await Promise.all([
      Promise.all(
        QUEUE_NAMES.map((name) =>
          queues.add(
            name,
            ids.map((id) => ({ id: `job-${id}`, data: { id } })),
          ),
        ),
      ),
      vi.waitFor(count, { timeout: 20_000, interval: 5 }),
    ]);
    expect(most).toBeGreaterThan(QUEUE_NAMES.length);
    expect(most).toBeLessThanOrEqual(16 + QUEUE_NAMES.length);
    expect(errors).toEqual([]);
  });

  it('answers a ping, and accepts an empty list', async () => {
    await expect(queues.ping()).resolves.toBeUndefined();
    await expect(queues.add('expand', [])).resolves.toBeUndefined();
  });
});

it.skipIf(!REDIS_AVAILABLE)('two installations on one Redis with a prefix each take their own jobs alone', async () => {
  const redis = await startRedis();
  const [bank, shop] = await Promise.all(
    ['bank', 'shop'].map((queuePrefix) =>
      Queues.open({ queueUrl: redis.url, queuePrefix }, REDIS_NEEDS_NO_DATABASE, () => undefined),
    ),
  );
  try {
    const ran: string[] = [];
    const work = (name: string, queues: Queues | undefined) =>
      queues?.work('expand', 4, ({ id }) => {
        ran.push(`${name} ${id}`);
        return Promise.resolve();
      });
    // The installation without jobs looks first.
    work('shop', shop);
    await bank?.add(
      'expand',
      [1, 2, 3].map((id) => expandJob(id)),
    );
    expect([(await bank?.depths())?.find(({ name }) => name === 'expand')?.waiting, ran]).toEqual([3, []]);
    work('bank', bank);
    await vi.waitFor(() => expect(ran.toSorted()).toEqual(['bank 1', 'bank 2', 'bank 3']), { timeout: 10_000 });
  } finally {
    for (const queues of [bank, shop]) await queues?.close();
    await redis.stop();
  }
});

describe.skipIf(!REDIS_AVAILABLE)('while Redis is unreachable', () => {
  const tookMs = async (act: () => Promise<unknown>) => {
    const start = performance.now();
    await act();
    return performance.now() - start;
  };

  // Idle workers wait inside a blocking command; right after a job they are about to send one.
  it.each([0, 500])('after %i ms of rest, adding, pinging and stopping end soon', async (restMs) => {
    const redis = await startRedis();
    const queues = await Queues.open({ queueUrl: redis.url }, REDIS_NEEDS_NO_DATABASE, () => undefined);
    let release: (() => void) | undefined;
    let finished = false;
    queues.work('expand', 1, () => Promise.resolve());
    queues.work('deliver-apns', 1, async () => {
      await new Promise<void>((resolve) => (release = resolve));
      finished = true;
    });
    await queues.add('expand', [expandJob(1)]);
    await queues.add('deliver-apns', [deliverJob({ id: 1, epoch: 0, urgent: true, applicationId: 'app' })]);
    await vi.waitFor(() => expect(release).toBeDefined(), { timeout: 20_000 });
    await delay(restMs);
    await redis.stop();

    expect(await tookMs(() => expect(queues.add('expand', [expandJob(2)])).rejects.toBeInstanceOf(Error))).toBeLessThan(
      2_500,
    );
    expect(await tookMs(() => expect(queues.ping()).rejects.toBeInstanceOf(Error))).toBeLessThan(2_500);

    // Stopping waits for the current job, because it records in the database, which is reachable.
    let closed = false;
    const closing = queues.close().then(() => (closed = true));
    await delay(3_000);
    expect(closed).toBe(false);
    release?.();
    expect(await tookMs(() => closing)).toBeLessThan(6_000);
    expect(finished).toBe(true);
  });

  it('a start without it logs one clear line without the password', async () => {
    const redis = await startRedis();
    await redis.stop();
    const url = redis.url.replace('redis://', 'redis://user:hunter2@');
    const opening = Queues.open({ queueUrl: url }, REDIS_NEEDS_NO_DATABASE, () => undefined);
    await expect(opening).rejects.toThrow(StartError);
    await expect(opening).rejects.toThrow(/^The queue cannot be reached \(Redis at 127\.0\.0\.1:\d+\)/);
    await expect(opening).rejects.not.toThrow(/hunter2/);
  });
});
