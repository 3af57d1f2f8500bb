import { parentPort, workerData } from 'node:worker_threads';
import { openPkcs12 } from './pkcs12.js';

/** The thread opens one PKCS#12 file and ends. */

export interface OpeningJob {
  file: Uint8Array;
  passphrase: string;
}

const { file, passphrase } = workerData as OpeningJob;
parentPort?.postMessage(openPkcs12(Buffer.from(file), passphrase));
