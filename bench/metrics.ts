/**
 * Broadcasts by one worker process with metrics, scraped each second, and without, in turns in one run.
 *
 *   npm run bench:metrics                          12 broadcasts to 100,000 devices each way
 *   npm run bench:metrics -- --devices=20000 --rounds=4
 *
 * Prints the worker's CPU a delivery both ways, and the ratio of their medians (aim: at most 1.01). Needs nginx,
 * PostgreSQL and Redis, and Linux' /proc.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { scrape } from '../test/harness/scrape.js';
import { freePort } from '../test/harness/servers.js';
import { Stage } from './broadcast/stage.js';

const { values: options } = parseArgs({
  options: { devices: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '12' } },
});
const devices = Number(options.devices);
const rounds = Number(options.rounds);

const SWITCH = fileURLToPath(new URL('metrics/switch.mjs', import.meta.url));
const SCRAPE_MS = 1_000;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const stage = await Stage.open();
try {
  await stage.addApplication(devices);
  const port = await freePort();
  await stage.start(['--import', SWITCH], { METRICS_PORT: String(port) });
  const url = `http://127.0.0.1:${port}/metrics`;
  // The compiler is warm before the measurement.
  for (let round = 0; round < 3; round++) await stage.broadcast(devices);
  const cpu = { on: [] as number[], off: [] as number[] };
  for (let round = 0; round < 2 * rounds; round++) {
    // on, off, off, on: a drift of the machine counts for both.
    const isOn = round % 4 === 0 || round % 4 === 3;
    const wasOn = round === 0 || (round - 1) % 4 === 0 || (round - 1) % 4 === 3;
    if (isOn !== wasOn) process.kill(stage.workerPid, 'SIGUSR1');
    const scraping = isOn ? setInterval(() => void scrape(url).catch(() => null), SCRAPE_MS) : undefined;
    const { cpuUs } = await stage.broadcast(devices);
    clearInterval(scraping);
    cpu[isOn ? 'on' : 'off'].push(cpuUs.worker!);
  }
  const [on, off] = [median(cpu.on), median(cpu.off)];
  console.log('CPU of the worker, µs a delivery');
  console.table({
    'with metrics': { median: on.toFixed(2), least: Math.min(...cpu.on).toFixed(2) },
    without: { median: off.toFixed(2), least: Math.min(...cpu.off).toFixed(2) },
  });
  console.log(
    JSON.stringify({
      bench: 'metrics',
      devices,
      rounds,
      ratio: Number((on / off).toFixed(3)),
      ratioOfLeast: Number((Math.min(...cpu.on) / Math.min(...cpu.off)).toFixed(3)),
    }),
  );
} finally {
  await stage.close();
}
