/**
 * Lists of a million devices on PostgreSQL, and that million in and out by lines, through the built program's API.
 *
 *   npm run bench:lists                      a million devices
 *   npm run bench:lists -- --devices=100000  another number
 *
 * Imports them, imports lines of which three in ten are bad, exports, subscribes all to one tag and exports again,
 * reads a delivery to each by lines and by pages, and times pages: the first, one in the middle and the last, by offset
 * and by cursor, counts and filters. Prints the program's peak memory beside each transfer. Needs PostgreSQL (Debian:
 * postgresql) and Linux' /proc. Exits non-zero when a row is missing.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Api } from '../test/harness/api.js';
import type { RequestBody } from '../test/harness/api.js';
import { startCarillon } from '../test/harness/carillon.js';
import { createDatabase } from '../test/harness/servers.js';
import { watchMemory } from './broadcast/usage.js';
import { startDurablePostgres } from './servers/durable.js';

const { values: options } = parseArgs({ options: { devices: { type: 'string', default: '1000000' } } });
const devices = Number(options.devices);
const LINES_A_CHUNK = 200;
const ROUNDS = 20;
const TAG = 'everybody';
const NDJSON = 'application/x-ndjson';
const MESSAGE = 'bench001';

const postgres = await startDurablePostgres();
const databaseUrl = await createDatabase(postgres.url);
const carillon = await startCarillon({
  DATABASE_URL: databaseUrl,
  MASTER_KEY: randomBytes(32).toString('base64'),
  ROLES: 'api',
});
const database = new pg.Pool({ connectionString: databaseUrl });

interface Transfer {
  what: string;
  lines: number;
  seconds: number;
  perSecond: number;
  peakMb: number;
}

/** Lines as for POST /devices; `bad` of ten have an unknown platform. */
async function* lines(count: number, bad: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < count; from += LINES_A_CHUNK) {
    let text = '';
    for (let n = from; n < Math.min(count, from + LINES_A_CHUNK); n++)
      text += `${JSON.stringify({
        deviceId: `device-${n}`,
        platform: n % 10 < bad ? 'X' : n % 1_000 === 500 ? 'H' : n % 2 ? 'A' : 'G',
        token: `${String(n).padStart(8, '0')}${'ab'.repeat(28)}`,
        userId: `user-${n % 200_000}`,
        language: 'de-CH',
        attributes: { plan: 'gold', visits: n },
      })}\n`;
    yield Buffer.from(text);
  }
}

async function transfer(
  what: string,
  method: string,
  path: string,
  body: RequestBody | undefined,
  count: number,
): Promise<{ row: Transfer; first: string }> {
  const memory = watchMemory({ api: carillon.pid });
  const started = performance.now();
  const answer = await api.raw(method, path, body, { 'content-type': NDJSON, accept: NDJSON });
  let first = '';
  let bytes = 0;
  let newlines = 0;
  for await (const chunk of answer.body ?? []) {
    if (!first.includes('\n')) first += Buffer.from(chunk).toString();
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) newlines++;
  }
  const seconds = (performance.now() - started) / 1_000;
  const { api: peakMb = 0 } = await memory.stop();
  console.log(
    `${what}: ${answer.status}, ${newlines} lines and ${Math.round(bytes / 1e6)} MB of answer in ${seconds.toFixed(1)} s, ${Math.round(peakMb)} MB at most`,
  );
  return {
    row: rowOf(what, count, seconds, peakMb),
    first: `${newlines}\n${first}`,
  };
}

function rowOf(what: string, lines: number, seconds: number, peakMb: number): Transfer {
  return {
    what,
    lines,
    seconds: Number(seconds.toFixed(1)),
    perSecond: Math.round(lines / seconds),
    peakMb: Math.round(peakMb),
  };
}

/** A message that every device received, in batches of the expansion's size. */
async function addDeliveries(): Promise<void> {
  const { rows } = await database.query<{ seq: string }>(
    `insert into message (application_id, id, client_id, body, notification, target, state, direct, accepted_at, expires_at,
       finished_at, audience, open_batches, expand_cursor)
     values ($1, $2, 'test', '{}', '{"alert":"hi"}', '{}', 'finished', false, now(), now(), now(), $3, 0, 0) returning seq`,
    [api.applicationId, MESSAGE, devices],
  );
  await database.query(
    `insert into batch (message_seq, application_id, provider, direct, state, size, first_seq, last_seq, device_seqs, outcomes,
       counts, details)
     select $1, $2, 'sandbox', false, 'done', count(*), min(seq), max(seq), array_agg(seq order by seq),
       decode(repeat('02', count(*)::int), 'hex'), array[0, 0, count(*), 0, 0, 0, 0, 0]::int[], '{}'
     from (select seq, (row_number() over (order by seq) - 1) / 1000 as part from device where application_id = $2) as member
     group by part order by part`,
    [rows[0]?.seq, api.applicationId],
  );
}

/** Reads every delivery in pages of a thousand, each from the end of the previous one. */
async function readPages(): Promise<Transfer> {
  const memory = watchMemory({ api: carillon.pid });
  const started = performance.now();
  let read = 0;
  for (let after: string | undefined = ''; after !== undefined;) {
    const from: string = after === '' ? '' : `&after=${after}`;
    const { body } = await api.app<{ deliveries: unknown[]; next?: string }>(
      'GET',
      `/messages/${MESSAGE}/deliveries?size=1000${from}`,
    );
    read += body.deliveries.length;
    after = body.next;
  }
  expect(read === devices, 'deliveries on pages');
  const { api: peakMb = 0 } = await memory.stop();
  return rowOf('deliveries, JSON pages of 1,000', read, (performance.now() - started) / 1_000, peakMb);
}

interface Timing {
  what: string;
  medianMs: number;
  worstMs: number;
}

interface List {
  pageInfo: { count: string; totalCount: string; next: string; previous: string };
}

const get = async (path: string): Promise<List> => {
  const answer = await api.app<List>('GET', path);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
};

async function time(what: string, path: string): Promise<Timing> {
  for (let warm = 0; warm < 3; warm++) await get(path);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    await get(path);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const rounded = (value: number): number => Number(value.toFixed(1));
  return { what, medianMs: rounded(times[ROUNDS / 2]!), worstMs: rounded(times.at(-1)!) };
}

function expect(right: boolean, what: string): void {
  if (right) return;
  process.exitCode = 1;
  console.error(`Wrong: ${what}`);
}

const api = await Api.connect(carillon.url, 'com.example.lists');
/** The path of a link below the application's address. */
const follow = (link: string): string => link.replace(`/imfpush/v1/apps/${api.applicationId}`, '');

try {
  await api.call('POST', '/apps', { applicationId: api.applicationId });
  const memoryAtRest = await watchMemory({ api: carillon.pid }).stop();
  const transfers: Transfer[] = [];
  const incoming = await transfer('import', 'POST', '/devices:import', ReadableStream.from(lines(devices, 0)), devices);
  transfers.push(incoming.row);
  expect((JSON.parse(incoming.first.split('\n')[1]!) as { created: number }).created === devices, 'devices imported');
  const half = Math.ceil(devices / 2);
  const again = await transfer(
    'import again, 3 of 10 lines bad',
    'POST',
    '/devices:import',
    ReadableStream.from(lines(half, 3)),
    half,
  );
  transfers.push(again.row);
  const outgoing = await transfer('export', 'GET', '/devices:export', undefined, devices);
  transfers.push(outgoing.row);
  expect(outgoing.first.startsWith(`${devices + 1}\n`), 'devices exported');

  await api.app('POST', '/tags', { name: TAG });
  await database.query(
    `insert into subscription (application_id, tag_name, device_seq) select application_id, $1, seq from device
     where application_id = $2`,
    [TAG, api.applicationId],
  );
  await addDeliveries();
  await database.query('vacuum analyze');
  const tagged = await transfer('export, each with a tag', 'GET', '/devices:export', undefined, devices);
  transfers.push(tagged.row);
  expect(tagged.first.startsWith(`${devices + 1}\n`), 'tagged devices exported');
  const told = await transfer('deliveries, lines', 'GET', `/messages/${MESSAGE}/deliveries`, undefined, devices);
  expect(told.first.startsWith(`${devices + 1}\n`), 'deliveries told');
  transfers.push(told.row, await readPages());

  const middle = Math.floor(devices / 2);
  const last = devices - 100;
  const toMiddle = follow((await get(`/devices?offset=${middle - 100}`)).pageInfo.next);
  const toLast = follow((await get(`/devices?offset=${last - 100}`)).pageInfo.next);
  const subscriptionsMiddle = follow((await get(`/subscriptions?tagName=${TAG}&offset=${middle}`)).pageInfo.next);
  const filter = (text: string): string => `filter=${encodeURIComponent(text)}`;
  const timings = [
    await time('devices: first page', '/devices'),
    await time('devices: first page of 1,000', '/devices?size=1000'),
    await time('devices: middle page by offset', `/devices?offset=${middle}`),
    await time('devices: middle page by cursor', toMiddle),
    await time('devices: last page by offset', `/devices?offset=${last}`),
    await time('devices: last page by cursor', toLast),
    await time('devices: platform==A', `/devices?${filter('platform==A')}`),
    await time('devices: platform==H (1 in 1,000)', `/devices?${filter('platform==H')}`),
    await time('devices: platform==H or W', `/devices?${filter('platform==H,platform==W')}`),
    await time('devices of a user', '/devices?userId=user-77'),
    await time('tag with its count', `/tags/${TAG}?subscriptionCount=true`),
    await time('tags with their counts', '/tags?subscriptionCount=true'),
    await time('subscriptions: first page', '/subscriptions'),
    await time('subscriptions of the tag', `/subscriptions?tagName=${TAG}`),
    await time('subscriptions of the tag: middle by cursor', subscriptionsMiddle),
    await time('subscriptions of the tag: middle by offset', `/subscriptions?tagName=${TAG}&offset=${middle}`),
    await time('subscriptions of Push.ALL: first page', '/subscriptions?tagName=Push.ALL'),
    await time('subscriptions of a device', '/subscriptions?deviceId=device-77'),
    await time('subscriptions of a user', '/subscriptions?userId=user-77'),
    await time('subscriptions: deviceId=@ (looks at all)', `/subscriptions?${filter('deviceId=@vice-77777')}`),
  ];
  expect((await get('/devices')).pageInfo.totalCount === String(devices), 'devices counted');
  expect((await get(toLast)).pageInfo.count === '100', 'devices on the last page');
  console.log(`\nIn and out; the program had ${Math.round(memoryAtRest.api ?? 0)} MB before`);
  console.table(transfers);
  console.log('Pages of 100 over HTTP, ms');
  console.table(timings);
  const named = Object.fromEntries(timings.map(({ what, medianMs }) => [what, medianMs]));
  console.log(
    JSON.stringify({
      bench: 'lists',
      devices,
      transfers,
      medianMs: named,
      ratios: {
        lastByCursorToFirst: Number(
          (named['devices: last page by cursor']! / named['devices: first page']!).toFixed(2),
        ),
        lastByOffsetToFirst: Number(
          (named['devices: last page by offset']! / named['devices: first page']!).toFixed(2),
        ),
      },
    }),
  );
} finally {
  await database.end();
  await carillon.stop();
  await postgres.stop();
}
