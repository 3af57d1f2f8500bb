import { TimeoutError } from './errors.js';

/** One attempt of a request: ends by its timeout or by the caller's signal, and leaves no timer and no listener. */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #stop = (): void => this.#controller.abort(this.outer?.reason);
  #timer?: ReturnType<typeof setTimeout>;

  constructor(
    private readonly ms: number,
    private readonly outer?: AbortSignal,
  ) {
    outer?.throwIfAborted();
    outer?.addEventListener('abort', this.#stop, { once: true });
    this.extend();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the timeout anew: a stream may last, and may not be silent. */
  extend(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new TimeoutError(`No answer within ${this.ms} ms`)), this.ms);
  }

  /** `abort`: the rest of the answer is not wanted. */
  end(abort = false): void {
    clearTimeout(this.#timer);
    this.outer?.removeEventListener('abort', this.#stop);
    if (abort) this.#controller.abort();
  }
}

/** Rejects with the signal's reason. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const slept = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  try {
    await untilAborted(slept, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** The promise, or the signal's reason as a rejection; the work behind the promise goes on. */
export async function untilAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  let stop = (): void => undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      stop = () => reject(signal.reason as Error);
      promise.then(resolve, reject);
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
