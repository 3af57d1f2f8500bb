/** The awaited promise has not settled in time. It may settle later; its result is ignored then. */
export class DeadlineError extends Error {
  readonly code = 'ETIMEDOUT';

  /** `what`: the subject of the sentence, for example "The queue". */
  constructor(what: string, ms: number) {
    super(`${what} did not answer within ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/** Rejects with a DeadlineError if the promise has not settled after `ms`. */
export async function withDeadline<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(what, ms)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
    // The promise may reject later; without a handler that would end the process.
    promise.catch(() => undefined);
  }
}
