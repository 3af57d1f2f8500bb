/**
 * A broadcast without events, and the same with all of them in the feed, in turns; then the feed is read to its end.
 *
 *   npm run bench:events                    200,000 devices
 *   npm run bench:events -- --devices=1000000
 *
 * Needs what bench:broadcast needs. Exits non-zero if the broadcast with events reaches less than 70 % of the other,
 * if fewer than 50,000 outcomes a second are read, or if an outcome is missing in the feed.
 */
import { parseArgs } from 'node:util';
import { Stage } from './broadcast/stage.js';

const { values: options } = parseArgs({ options: { devices: { type: 'string', default: '200000' } } });
const devices = Number(options.devices);
const TURNS = 3;
const LEAST_SHARE = 0.7;
const LEAST_READ = 50_000;

interface Page {
  events: { type: string; data: { count?: number } }[];
  cursor: string;
}

const stage = await Stage.open();
try {
  await stage.addApplication(devices);
  await stage.start();
  const api = stage.api(devices);
  const want = (eventTypes: string) => api.app('PUT', '/events/feed', { eventTypes });
  // The compiler is warm before the measurement.
  await stage.broadcast(devices);
  const rates: { without: number; 'with events': number }[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    await want('');
    const without = await stage.broadcast(devices);
    await want('*');
    const told = await stage.broadcast(devices);
    rates.push({ without: Math.round(without.perSecond), 'with events': Math.round(told.perSecond) });
  }
  console.log('Deliveries a second');
  console.table(rates);
  const sum = (name: keyof (typeof rates)[0]): number => rates.reduce((total, rate) => total + rate[name], 0);
  const share = sum('with events') / sum('without');

  const started = performance.now();
  let outcomes = 0;
  let lots = 0;
  for (let page: Page = { events: [], cursor: '' }; ;) {
    const after = page.cursor === '' ? '' : `&after=${page.cursor}`;
    page = (await api.app<Page>('GET', `/events?types=delivery.*&limit=1000&wait=1${after}`)).body;
    if (page.events.length === 0) break;
    lots += page.events.length;
    for (const { data } of page.events) outcomes += data.count ?? 0;
  }
  // The last answer waited for a second.
  const perSecond = outcomes / ((performance.now() - started) / 1_000 - 1);
  console.log(
    `with events ${(share * 100).toFixed(0)} % as fast as without (aim 70 %); ${outcomes} outcomes in ${lots} events ` +
      `read at ${Math.round(perSecond)} a second (aim ${LEAST_READ})`,
  );
  console.log(JSON.stringify({ bench: 'events', devices, rates, share, outcomes, lots, readPerSecond: perSecond }));
  if (share < LEAST_SHARE || perSecond < LEAST_READ || outcomes !== TURNS * devices) process.exitCode = 1;
} finally {
  await stage.close();
}
