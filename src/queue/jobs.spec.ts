import { describe, expect, it } from 'vitest';
import { QUEUE_NAMES, deliverJob, deliverQueue, urgentJobs, expandJob } from './jobs.js';

it('there is one queue to expand and a pair per provider', () => {
  // Jobs of a running system are stored under these names: none may change.
  expect(QUEUE_NAMES).toEqual([
    'expand',
    'deliver-apns-direct',
    'deliver-apns',
    'deliver-fcm-direct',
    'deliver-fcm',
    'deliver-web-push-direct',
    'deliver-web-push',
    'deliver-wns-direct',
    'deliver-wns',
    'deliver-hms-direct',
    'deliver-hms',
    'deliver-sandbox-direct',
    'deliver-sandbox',
    'deliver-upstream-direct',
    'deliver-upstream',
  ]);
  expect(deliverQueue('apns', 'broadcast')).toBe('deliver-apns');
});

it('a message is expanded by one job', () => {
  expect(expandJob(12)).toEqual({ id: 'message-12', data: { id: 12 } });
});

describe('deliverJob', () => {
  it('contains only ids: of the batch, and of the application of an urgent one', () => {
    expect(deliverJob({ id: 7, epoch: 0, urgent: false, applicationId: 'app' }).data).toEqual({ id: 7 });
    expect(deliverJob({ id: 7, epoch: 0, urgent: true, applicationId: 'app' })).toEqual({
      id: 'batch-7-0',
      data: { id: 7, applications: ['app'] },
    });
  });

  it('a broadcast batch has the priority of its rank, and the last one when it is repeated', () => {
    expect(deliverJob({ id: 7, epoch: 0, urgent: false, applicationId: 'app', rank: 3 }).priority).toBe(3);
    expect(deliverJob({ id: 7, epoch: 1, urgent: false, applicationId: 'app' }).priority).toBe(64);
  });

  it('every attempt is a separate job', () => {
    const ids = [0, 1, 2].map((epoch) => deliverJob({ id: 7, epoch, urgent: true, applicationId: 'app' }).id);
    expect(ids).toEqual(['batch-7-0', 'batch-7-1', 'batch-7-2']);
  });

  it.each([
    [undefined, undefined],
    [0, 0],
    [1_500, 1_500],
    [0.2, 1],
    [1_233.4071, 1_234],
  ])('a delay of %j ms becomes %j: whole, and never shorter', (delay, expected) => {
    expect(deliverJob({ id: 7, epoch: 1, urgent: true, applicationId: 'app' }, delay).delayMs).toBe(expected);
  });

  it('ids contain no colon, which BullMQ reserves', () => {
    expect(`${expandJob(1).id}${deliverJob({ id: 1, epoch: 1, urgent: true, applicationId: 'app' }).id}`).not.toContain(
      ':',
    );
  });
});

describe('urgentJobs', () => {
  it('batches of one job have one rank, which is the job’s priority', () => {
    const ranks = [undefined, 1, undefined, 1, 2];
    const jobs = urgentJobs(
      ranks.map((rank, id) => ({ id, epoch: 0, urgent: true, applicationId: `app-${id}`, rank })),
    );
    expect(jobs.map(({ data, priority }) => [data, priority])).toEqual([
      [{ id: 0, more: [2], applications: ['app-0', 'app-2'] }, undefined],
      [{ id: 1, more: [3], applications: ['app-1', 'app-3'] }, 1],
      [{ id: 4, applications: ['app-4'] }, 2],
    ]);
  });

  const batches = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ id: index + 1, epoch: 0, urgent: true, applicationId: 'app' }));

  it('a single batch becomes an ordinary job', () => {
    expect(urgentJobs(batches(1))).toEqual([deliverJob({ id: 1, epoch: 0, urgent: true, applicationId: 'app' })]);
    expect(urgentJobs([])).toEqual([]);
  });

  it('a job has up to 32 batches, each once, and an id of a limited length', () => {
    const jobs = urgentJobs(batches(130));
    const ids = jobs.map(({ data }) => [data.id, ...(data.more ?? [])]);
    expect(ids.map((each) => each.length)).toEqual([32, 32, 32, 32, 2]);
    expect(ids.flat()).toEqual(batches(130).map(({ id }) => id));
    for (const { id } of jobs) expect(id).toMatch(/^batch-\d+-0-and-[\w-]{43}$/);
  });

  it('a group with other batches has another id, with the same first batch too', () => {
    const [first, second, third] = batches(3);
    const names = [
      [first!, second!],
      [first!, third!],
      [first!, { ...second!, epoch: 1 }],
    ].map((group) => urgentJobs(group)[0]?.id);
    expect(new Set(names).size).toBe(3);
  });
});
