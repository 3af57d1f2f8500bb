/**
 * A flood of messages to one device each, scheduled for one moment, beside the same flood by bulk without `sendAt`, on
 * PostgreSQL and Redis: the built program as an api (with the scheduler) and a worker process, one nginx that takes
 * everything, all in one run.
 *
 *   npm run bench:scheduled                      2,500 messages
 *   npm run bench:scheduled -- --messages=10000  others
 *   npm run bench:scheduled -- --queue=database  the queue in PostgreSQL too
 *
 * Prints when the first, the middle and the last message was recorded as sent, counted from the moment (or from the
 * first request of the bulk), and messages a second. Needs nginx, PostgreSQL and Redis (Debian: nginx-light,
 * postgresql, redis-server). Exits non-zero when a message was not accepted; never because the machine was slow.
 */
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { Stage } from './broadcast/stage.js';

const { values: options } = parseArgs({
  options: { messages: { type: 'string', default: '2500' }, queue: { type: 'string', default: 'redis' } },
});
const MESSAGES = Number(options.messages);
/** Messages per bulk: the maximum. */
const BULK = 1_000;
/** Time to accept them before their scheduled time, ms per message. */
const AHEAD_MS = 8;
const DEADLINE_MS = 300_000;

interface Times {
  first: number;
  middle: number;
  last: number;
}

/** Sends the flood in bulks with a label, by which it is found again. */
async function sendBulks(label: string, sendAt?: Date): Promise<void> {
  for (let from = 1; from <= MESSAGES; from += BULK) {
    const bulk = Array.from({ length: Math.min(BULK, MESSAGES - from + 1) }, (_, index) => ({
      message: { alert: `Your code is ${from + index}` },
      target: { deviceIds: [`device-${from + index}`] },
      label,
      ...(sendAt && { sendAt: sendAt.toISOString() }),
    }));
    const answer = await stage.api(MESSAGES).app('POST', '/messages/bulk', bulk);
    if (answer.status !== 202) throw new Error(`bulk: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
}

/** Waits until all have ended; ms after `from`, by the database's clock, which is this machine's. */
async function timesOf(label: string, from: number): Promise<Times> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(250)) {
    const { rows } = await stage.database.query<{ ended: string; accepted: string } & Record<keyof Times, number>>(
      `with ended as (select totals, extract(epoch from finished_at) * 1000 - $2 as ms from message
         where label = $1 and finished_at is not null)
       select count(*) as ended, sum(totals[3]) as accepted, min(ms)::float8 as first, max(ms)::float8 as last,
         (percentile_cont(0.5) within group (order by ms))::float8 as middle from ended`,
      [label, from],
    );
    const [row] = rows;
    if (!row || Number(row.ended) < MESSAGES) continue;
    if (Number(row.accepted) !== MESSAGES) throw new Error(`${label}: ${row.accepted} of ${MESSAGES} were accepted`);
    return row;
  }
  throw new Error(`${label}: not all have ended`);
}

const print = (cells: (string | number)[]): void =>
  void process.stdout.write(`${cells.map((cell, index) => String(cell).padEnd(index === 0 ? 26 : 12)).join('')}\n`);

const stage = await Stage.open({ queue: options.queue === 'database' ? 'database' : 'redis' });
try {
  await stage.addApplication(MESSAGES);
  await stage.start();
  // Everything is compiled and connected before the measurement.
  await sendBulks('warm');
  await timesOf('warm', Date.now());

  const began = Date.now();
  await sendBulks('bulk');
  const bulk = await timesOf('bulk', began);
  const moment = new Date(Date.now() + Math.max(2_000, AHEAD_MS * MESSAGES));
  await sendBulks('scheduled', moment);
  if (Date.now() > moment.getTime()) throw new Error('accepting took longer than to the moment: raise AHEAD_MS');
  const scheduled = await timesOf('scheduled', moment.getTime());

  print(['', 'first s', 'middle s', 'last s', 'per second']);
  const rate = ({ last }: Times): number => Math.round(MESSAGES / (last / 1_000));
  for (const [what, times] of Object.entries({ 'bulk without sendAt': bulk, 'scheduled for one moment': scheduled }))
    print([what, ...[times.first, times.middle, times.last].map((ms) => (ms / 1_000).toFixed(2)), rate(times)]);
  const ratio = Number((scheduled.last / bulk.last).toFixed(2));
  print([`ratio of the last ones: ${ratio}`]);
  process.stdout.write(`${JSON.stringify({ bench: 'scheduled', messages: MESSAGES, bulk, scheduled, ratio })}\n`);
} finally {
  await stage.close();
}
