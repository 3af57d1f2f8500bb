/** What was waited for has not come in time. It may still come; by then the wait is given up. */
export class DeadlineError extends Error {
  readonly code = 'ETIMEDOUT';

  /** `what` begins the sentence: "The queue". */
  constructor(what: string, ms: number) {
    super(`${what} did not answer within ${ms} ms`);
    this.name = 'DeadlineError';
  }
}

/** Rejects with a DeadlineError when the promise has not settled by then. */
export async function withDeadline<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(what, ms)), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
    // The loser of the race may still fail later; by then nobody listens.
    promise.catch(() => undefined);
  }
}
