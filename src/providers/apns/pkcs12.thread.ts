import { startThread } from '../../common/thread.js';
import { refuseUnread } from './pkcs12.js';
import type { OpenedFile, Refusal } from './pkcs12.js';
import type { OpeningJob } from './pkcs12.worker.js';

const WORKER = new URL('./pkcs12.worker', import.meta.url);
/** The longest file that is let through takes some 5 s of a busy core. */
const DEADLINE_MS = 20_000;

/** One file at a time: whoever may write settings has one core of this process for them at most. */
let last: Promise<unknown> = Promise.resolve();

/** Opens a file in a thread of its own, which is ended at the deadline. What is refused unread starts none. */
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
