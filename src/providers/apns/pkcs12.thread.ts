import { startThread } from '../../common/thread.js';
import { refuseUnread } from './pkcs12.js';
import type { OpenedFile, Refusal } from './pkcs12.js';
import type { OpeningJob } from './pkcs12.worker.js';

const WORKER = new URL('./pkcs12.worker', import.meta.url);
/** The largest accepted file takes about 5 s on a busy core. */
const DEADLINE_MS = 20_000;

/** One file at a time: callers that may write settings use at most one core of this process. */
let last: Promise<unknown> = Promise.resolve();

/** Opens a file in a separate thread, which is ended at the deadline. A refused file starts no thread. */
export function openPkcs12Aside(
  file: Buffer,
  passphrase: string,
  deadlineMs = DEADLINE_MS,
): Promise<OpenedFile | Refusal> {
  const refusal = refuseUnread(file);
  if (refusal !== undefined) return Promise.resolve(refusal);
  const opened = last.then(() => open(file, passphrase, deadlineMs));
  last = opened.catch(() => undefined);
  return opened;
}

function open(file: Buffer, passphrase: string, deadlineMs: number): Promise<OpenedFile | Refusal> {
  return new Promise((resolve, reject) => {
    const workerData: OpeningJob = { file, passphrase };
    const worker = startThread(WORKER, { workerData, resourceLimits: { maxOldGenerationSizeMb: 64 } });
    const timer = setTimeout(() => settle('time'), deadlineMs);
    const settle = (result: OpenedFile | Refusal): void => {
      resolve(result);
      void worker.terminate();
    };
    worker.once('message', settle);
    worker.once('error', reject);
    worker.once('exit', () => {
      clearTimeout(timer);
      reject(new Error('the thread that opens a certificate ended'));
    });
  });
}
