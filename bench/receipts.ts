/**
 * The cost of a receipt beside that of a registration: both by HTTP, a request each, on PostgreSQL with its durability
 * on.
 *
 *   npm run bench:receipts                       a hundred thousand of each
 *   npm run bench:receipts -- --devices=1000000  another number
 *
 * Registers the devices, sends one message to all, and records a receipt of each device. Exits non-zero if a receipt is
 * missing, or if receipts cost more than registrations. Needs PostgreSQL (Debian: postgresql).
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Api } from '../test/harness/api.js';
import { startCarillon } from '../test/harness/carillon.js';
import { createDatabase } from '../test/harness/servers.js';
import { cpuSeconds } from './broadcast/usage.js';
import { startDurablePostgres } from './servers/durable.js';

const { values: options } = parseArgs({ options: { devices: { type: 'string', default: '100000' } } });
const devices = Number(options.devices);
const AT_ONCE = 64;

interface Row {
  what: string;
  seconds: number;
  perSecond: number;
  cpuUs: number;
}

const postgres = await startDurablePostgres();
const carillon = await startCarillon({
  DATABASE_URL: await createDatabase(postgres.url),
  MASTER_KEY: randomBytes(32).toString('base64'),
  LOG_LEVEL: 'warn',
});

async function measure(what: string, call: (n: number) => Promise<{ status: number }>): Promise<Row> {
  const cpu = cpuSeconds(carillon.pid);
  const started = performance.now();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let n = next++; n < devices; n = next++) {
      const { status } = await call(n);
      if (status >= 300) throw new Error(`${what}: ${status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const seconds = (performance.now() - started) / 1_000;
  return { what, seconds, perSecond: devices / seconds, cpuUs: ((cpuSeconds(carillon.pid) - cpu) / devices) * 1e6 };
}

try {
  const admin = await Api.connect(carillon.url);
  await admin.call('POST', '/apps', { applicationId: 'com.acme.bench' });
  const api = await Api.connect(carillon.url, 'com.acme.bench');
  const device = (n: number) => ({ deviceId: `d-${n}`, platform: 'A', token: `sandbox:accepted:${n}` });
  const rows = [await measure('registrations', (n) => api.app('POST', '/devices', device(n)))];
  const id = await api.send({ message: { alert: 'Hi' } });
  await api.waitFor(id);
  const receipt = (n: number) => ({ deviceId: `d-${n}`, kind: 'opened' });
  rows.push(await measure('receipts', (n) => api.app('POST', `/messages/${id}/receipts`, receipt(n))));
  const { body } = await api.app<{ receipts: { opened: number } }>('GET', `/messages/${id}`);
  console.table(
    rows.map((row) => ({
      ...row,
      seconds: Number(row.seconds.toFixed(1)),
      perSecond: Math.round(row.perSecond),
      cpuUs: Math.round(row.cpuUs),
    })),
  );
  const ratio = rows[1]!.seconds / rows[0]!.seconds;
  console.log(`${body.receipts.opened} of ${devices} counted; a receipt costs ${ratio.toFixed(2)} of a registration`);
  if (body.receipts.opened !== devices || ratio > 1) process.exitCode = 1;
} finally {
  await carillon.stop();
  await postgres.stop();
}
