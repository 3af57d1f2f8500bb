export class LiveAnswer {
  status!: 'live';
}

export class ReadyAnswer {
  status!: 'ready' | 'not ready';
  database!: 'up' | 'down';
  queue!: 'up' | 'down';
  /** Present if the clock is wrong. */
  clock?: string;
}
