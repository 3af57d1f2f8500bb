import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { quantilesOf } from '../quantile.js';
import type { Quantiles } from '../quantile.js';
import type { Stage } from './stage.js';

/** One-time codes: single messages, and the times of their arrival at the provider. */

const CODES = 200;
const GAP_MS = 50;
const ARRIVAL_DEADLINE_MS = 60_000;

/**
 * Sends codes one after the other, `CODES` of them or while `goOn` returns true, and waits until nginx has logged all.
 */
export async function sendCodes(stage: Stage, devices: number, goOn?: () => boolean): Promise<Quantiles> {
  const api = stage.api(devices);
  const kept = new Map<string, number>();
  const known = new Set((await arrivals(stage)).keys());
  for (let sent = 0; goOn ? goOn() : sent < CODES; sent++) {
    const { deviceId, token } = await stage.addCodeDevice(devices);
    await api.send({ message: { alert: 'Your code is 123456' }, target: { deviceIds: [deviceId] } });
    kept.set(token, Date.now());
    await delay(GAP_MS);
  }
  const deadline = Date.now() + ARRIVAL_DEADLINE_MS;
  for (;;) {
    const arrived = await arrivals(stage);
    const waits = [...kept].map(([token, at]) => (arrived.get(token) ?? Infinity) - at);
    if (waits.every(Number.isFinite)) return quantilesOf(waits.map((wait) => Math.max(0, wait)));
    if (Date.now() > deadline)
      throw new Error(`${waits.filter((wait) => wait === Infinity).length} codes never arrived`);
    for (const token of known) arrived.delete(token);
    await delay(100);
  }
}

/** The time of nginx's answer to each code, epoch ms. */
async function arrivals({ codesLog }: Stage): Promise<Map<string, number>> {
  const text = await readFile(codesLog, 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => line.split(' ')).map(([seconds, path]) => [path!.split('/').at(-1)!, Number(seconds) * 1_000]),
  );
}
