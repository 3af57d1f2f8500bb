export class LiveAnswer {
  status!: 'live';
}

export class ReadyAnswer {
  /** `degraded`: requests are accepted, and their work waits for the queue. */
  status!: 'ready' | 'degraded' | 'not ready';
  database!: 'up' | 'down';
  queue!: 'up' | 'down';
  /** Present if the clock is wrong. */
  clock?: string;
}
