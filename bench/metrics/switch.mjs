import { Counter } from 'prom-client';
import { Series } from '../../dist/common/weighted-histogram.js';
import { BatchLedger } from '../../dist/delivery/ledger.js';
import { Exchange } from '../../dist/http2/exchange.js';

/** Loaded into the worker: SIGUSR1 switches the counting off, and on again. */

const nothing = () => undefined;
const parts = [
  [Exchange.prototype, 'measure', nothing],
  [Series.prototype, 'observe', nothing],
  [Counter.prototype, 'inc', nothing],
  [BatchLedger.prototype, 'takeNews', () => []],
].map(([owner, name, off]) => ({ owner, name, on: owner[name], off }));

let isOn = true;
process.on('SIGUSR1', () => {
  isOn = !isOn;
  for (const { owner, name, on, off } of parts) owner[name] = isOn ? on : off;
});
