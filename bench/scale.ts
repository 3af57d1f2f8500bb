/**
 * Growing applications on one durable PostgreSQL: for each number of devices the import, the first page of the list,
 * the count of an audience, a broadcast, and its report, through the built program as an api and a worker process, all
 * in one run with one nginx as the provider.
 *
 *   npm run bench:scale                          10,000, 100,000, 1,000,000 and 10,000,000 devices: half an hour
 *   npm run bench:scale -- --sizes=10000,100000  others
 *
 * Prints the cost of each part, and the ratio of the last to the first size. Small broadcasts are repeated until
 * each size has 200,000 deliveries. Needs nginx, PostgreSQL and Redis (Debian: nginx-light, postgresql,
 * redis-server), 1 KB of disk for a device, and Linux' /proc. Exits non-zero when a delivery was not accepted; never
 * because the machine was slow.
 */
import { parseArgs } from 'node:util';
import type { Api } from '../test/harness/api.js';
import { cpuSeconds, watchMemory } from './broadcast/usage.js';
import { clusterCells } from './servers/cluster.js';
import type { ClusterCost } from './servers/cluster.js';
import { Sink } from './singles/sink.js';
import { Stage, addApplication, importDevices } from './singles/stage.js';

const { values: options } = parseArgs({
  options: { sizes: { type: 'string', default: '10000,100000,1000000,10000000' } },
});
const sizes = options.sizes.split(',').map(Number);
const LEAST_DELIVERIES = 200_000;
/** An application with more devices has the first of them imported; SQL copies the others. */
const MOST_IMPORTED = 1_000_000;
const READS = 11;
const FINISH_MS = 3_600_000;
const POLL_MS = 100;
/** A report reads all batches of a message, so large ones are polled less often: 10 million devices each 2 s. */
const DEVICES_A_POLL_MS = 5_000;

interface Row {
  devices: number;
  importPerSecond: number;
  /** Per device. */
  importCluster: ClusterCost;
  importApiMb: number;
  /** Of all applications' devices, with indexes. */
  tableMb: number;
  /** Medians, ms. */
  readMs: Record<string, number>;
  /** From the 202 to the provider's answer of the first delivery. */
  firstMs: number;
  deliveriesPerSecond: number;
  /** Per delivery, by process. */
  cpuUs: Record<string, number>;
  /** Per delivery. */
  cluster: ClusterCost;
  /** Peaks during the broadcast. */
  memoryMb: Record<string, number>;
}

const round = (value: number): number => Number(value.toPrecision(3));
const sumOf = (values: Record<string, number>): number => Object.values(values).reduce((sum, value) => sum + value, 0);

async function timeOf(read: () => Promise<{ status: number }>): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < READS; count++) {
    const started = performance.now();
    const { status } = await read();
    if (status !== 200) throw new Error(`a read was answered ${status}`);
    times.push(performance.now() - started);
  }
  return round(times.toSorted((a, b) => a - b)[Math.floor(READS / 2)]!);
}

/** Sends to all devices and waits until all have accepted. */
async function broadcast(api: Api, devices: number): Promise<{ messageId: string; firstMs: number }> {
  sink.read();
  const messageId = await api.send({ message: { alert: 'To all' } });
  const accepted = Date.now();
  const finished = ({ state }: { state: string }): boolean => state === 'finished';
  const report = await api.waitFor(messageId, finished, FINISH_MS, Math.max(POLL_MS, devices / DEVICES_A_POLL_MS));
  if (report.outcomes.accepted !== devices) throw new Error(`not all accepted: ${JSON.stringify(report)}`);
  const first = sink.read().reduce((least, [, at]) => Math.min(least, at), Infinity);
  return { messageId, firstMs: Math.max(0, first - accepted) };
}

async function measure(devices: number): Promise<Row> {
  const { sender, cluster: figures } = { sender: stage.sender, cluster: stage.sender.cluster! };
  const { api: door = 0, worker = 0 } = sender.pids;
  const api = await addApplication(stage.api.url, `com.example.scale${devices}`, stage.key);
  let watch = watchMemory({ api: door });
  let started = performance.now();
  const imported = Math.min(devices, MOST_IMPORTED);
  const importCluster = await figures.measure(async () => {
    await importDevices(api, imported);
    return imported;
  });
  const importPerSecond = imported / ((performance.now() - started) / 1_000);
  const { api: importApiMb = 0 } = await watch.stop();
  await stage.copyDevices(api.applicationId, imported, devices);
  // As autovacuum does within a minute.
  const tableMb = (await stage.analyse()) / 2 ** 20;
  const count = { dryRun: true, message: { alert: 'To all' } };
  const readMs: Record<string, number> = {
    'first page': await timeOf(() => api.app('GET', '/devices?size=100')),
    'audience count': await timeOf(() => api.app('POST', '/messages', count)),
  };
  const times = Math.max(1, Math.ceil(LEAST_DELIVERIES / devices));
  const firsts: number[] = [];
  let messageId = '';
  watch = watchMemory({ api: door, worker });
  const before = Object.entries(sender.pids).map(([name, pid]) => [name, cpuSeconds(pid)] as const);
  started = performance.now();
  const cluster = await figures.measure(async () => {
    for (let time = 0; time < times; time++) {
      const sent = await broadcast(api, devices);
      ({ messageId } = sent);
      firsts.push(sent.firstMs);
    }
    return devices * times;
  });
  const seconds = (performance.now() - started) / 1_000;
  const cpuUs = Object.fromEntries(
    before.map(([name, cpu]) => [name, ((cpuSeconds(sender.pids[name]!) - cpu) / devices / times) * 1e6]),
  );
  const memoryMb = await watch.stop();
  readMs['report'] = await timeOf(() => api.app('GET', `/messages/${messageId}`));
  readMs['deliveries'] = await timeOf(() => api.app('GET', `/messages/${messageId}/deliveries?size=100`));
  readMs['status'] = await timeOf(() => api.app('GET', '/status'));
  const deliveriesPerSecond = (devices * times) / seconds;
  const firstMs = Math.max(...firsts);
  return {
    ...{ devices, importPerSecond, importCluster, importApiMb, tableMb, readMs },
    ...{ firstMs, deliveriesPerSecond, cpuUs, cluster, memoryMb },
  };
}

const sink = await Sink.start({ firstOnly: true });
const stage = await Stage.open(sink, { embedded: false, devices: 1_000 });
try {
  // The compiler is warm before the measurement.
  for (let time = 0; time < 20; time++) await broadcast(stage.api, 1_000);
  const rows: Row[] = [];
  for (const devices of sizes) {
    const row = await measure(devices);
    rows.push(row);
    console.log(JSON.stringify(row));
  }
  console.log('Import, per device');
  console.table(
    rows.map(({ devices, importPerSecond, importCluster, importApiMb, tableMb }) => ({
      devices,
      'per second': Math.round(importPerSecond),
      'api MB': Math.round(importApiMb),
      'table MB': Math.round(tableMb),
      ...clusterCells(importCluster),
    })),
  );
  console.log('Reads, ms');
  console.table(rows.map(({ devices, readMs }) => ({ devices, ...readMs })));
  console.log('Broadcast, CPU in µs a delivery');
  console.table(
    rows.map(({ devices, firstMs, deliveriesPerSecond, cpuUs, memoryMb }) => ({
      devices,
      'first ms': Math.round(firstMs),
      'per second': Math.round(deliveriesPerSecond),
      ...Object.fromEntries(Object.entries(cpuUs).map(([name, us]) => [`${name} µs`, round(us)])),
      'all µs': round(sumOf(cpuUs)),
      ...Object.fromEntries(Object.entries(memoryMb).map(([name, mb]) => [`${name} MB`, Math.round(mb)])),
    })),
  );
  console.log('PostgreSQL, a delivery');
  console.table(rows.map(({ devices, cluster }) => ({ devices, ...clusterCells(cluster) })));
  const ratio = sumOf(rows.at(-1)!.cpuUs) / sumOf(rows[0]!.cpuUs);
  console.log(`A delivery to ${sizes.at(-1)} devices costs ${round(ratio)} of one to ${sizes[0]} (aim at most 1.1)`);
  console.log(JSON.stringify({ bench: 'scale', rows, ratio }));
} finally {
  await stage.close();
  await sink.stop();
}
