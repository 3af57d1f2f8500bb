import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../../common/thread.js';
import type { EncryptedBody, EncryptionJob } from './web-push.encrypter.worker.js';

/** A message costs about 200 µs; in batches the cost of passing it to a thread is small. */
const BATCH = 50;
/** One thread encrypts about 5,000 a second; one core is left for the event loop. */
const THREADS = Math.max(1, Math.min(4, availableParallelism() - 1));
/** Batches at one thread: one in work and one waiting, so that the thread never idles. */
const BATCHES_AHEAD = 2;

interface Waiting {
  job: EncryptionJob;
  resolve(body: EncryptedBody): void;
  reject(error: Error): void;
}

const WORKER = new URL('./web-push.encrypter.worker', import.meta.url);

/**
 * Encrypts on threads that start with the first job and end with `close`. Many users share one encrypter: each calls
 * `retain` and `close` once, and the last `close` ends the threads.
 */
export class Encrypter {
  private readonly queue: Waiting[] = [];
  private readonly threads = new Set<Thread>();
  private users = 0;
  private scheduled = false;

  constructor(private readonly size: number = THREADS) {}

  /** Number of running threads. */
  get running(): number {
    return this.threads.size;
  }

  retain(): this {
    this.users++;
    return this;
  }

  /** Undefined if the browser's key is not on the curve. Rejects if the thread was lost. */
  encrypt(job: EncryptionJob): Promise<EncryptedBody> {
    return new Promise((resolve, reject) => {
      this.queue.push({ job, resolve, reject });
      if (this.scheduled) return;
      this.scheduled = true;
      // All jobs of this turn of the event loop share batches.
      setImmediate(() => {
        this.scheduled = false;
        this.dispatch();
      });
    });
  }

  /** Ends the threads after the last user has closed, and resolves when they have ended. */
  async close(): Promise<void> {
    this.users = Math.max(0, this.users - 1);
    if (this.users > 0) return;
    for (const waiting of this.queue.splice(0)) waiting.reject(new Error('the encrypter was closed'));
    await Promise.all([...this.threads].map((thread) => thread.end()));
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      const thread = this.idlest();
      if (thread === undefined) return;
      thread.run(this.queue.splice(0, BATCH));
    }
  }

  private idlest(): Thread | undefined {
    let best: Thread | undefined;
    for (const thread of this.threads) if (thread.load < (best?.load ?? BATCHES_AHEAD)) best = thread;
    if (best?.load === 0 || this.threads.size >= this.size) return best;
    const thread = new Thread(
      () => this.dispatch(),
      () => this.threads.delete(thread),
    );
    this.threads.add(thread);
    return thread;
  }
}

class Thread {
  private readonly worker: Worker;
  /** Sent and unanswered, oldest first: a thread answers in order. */
  private readonly batches: Waiting[][] = [];

  constructor(
    private readonly freed: () => void,
    ended: () => void,
  ) {
    this.worker = startThread(WORKER);
    this.worker.on('message', (bodies: EncryptedBody[]) => this.settle(bodies));
    let cause = new Error('the encrypting thread ended');
    this.worker.on('error', (error) => (cause = error));
    this.worker.on('exit', () => {
      ended();
      for (const batch of this.batches.splice(0)) for (const waiting of batch) waiting.reject(cause);
      this.freed();
    });
  }

  get load(): number {
    return this.batches.length;
  }

  run(batch: Waiting[]): void {
    this.batches.push(batch);
    // An idle thread does not keep the process alive.
    this.worker.ref();
    this.worker.postMessage(batch.map(({ job }) => job));
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }

  private settle(bodies: EncryptedBody[]): void {
    const batch = this.batches.shift() ?? [];
    if (this.batches.length === 0) this.worker.unref();
    for (const [index, waiting] of batch.entries()) waiting.resolve(bodies[index]);
    this.freed();
  }
}
