import type { PoolMeter, PushRequest, PushResult } from './push.js';
import type { ResponseHead } from './response-head.js';

const NO_BODY = Buffer.alloc(0);

/** One request: first waiting in the pool, then a stream of a connection, finally settled exactly once. */
export class Exchange {
  /** Stream id on its connection; 0 while waiting. */
  id = 0;
  /** How often a peer has returned the request as not processed. */
  replays = 0;
  /** The connection that returned it last. */
  avoid = 0;

  /** Octets of body that the stream may still send; negative after the peer reduced its initial window. */
  sendWindow = 0;
  /** Octets of body written. */
  sent = 0;

  /** The final head, once received. */
  head: ResponseHead | undefined;
  /** Octets of body received. */
  received = 0;
  /** Octets received since the stream's window was last replenished. */
  unacknowledged = 0;
  /** Number of received 1xx heads. */
  informational = 0;
  private body: Buffer = NO_BODY;
  private more: Buffer[] | undefined;

  /**
   * The deadline on the clock of `performance.now()`: first of the wait for a stream, then of the wait for an answer.
   */
  deadline: number;

  constructor(
    readonly request: PushRequest,
    readonly timeoutMs: number,
    /** The deadline of the wait for a stream. */
    private readonly waitUntil: number,
    private readonly resolve: (result: PushResult) => void,
    private readonly meter?: PoolMeter,
  ) {
    this.deadline = waitUntil;
  }

  /** The request is about to be written: the wait for an answer begins. */
  begin(now: number): void {
    this.deadline = now + this.timeoutMs;
  }

  /** Copies the bytes, because the next read overwrites them. */
  addBody(bytes: Buffer, at: number, end: number): void {
    const part = Buffer.allocUnsafe(end - at);
    bytes.copy(part, 0, at, end);
    if (this.received === 0) this.body = part;
    else (this.more ??= [this.body]).push(part);
    this.received += part.length;
  }

  /** Resets a stream that was not processed, so that the request can be sent on another one. */
  rewind(): void {
    this.id = 0;
    this.deadline = this.waitUntil;
    this.sent = 0;
    this.head = undefined;
    this.received = 0;
    this.unacknowledged = 0;
    this.informational = 0;
    this.body = NO_BODY;
    this.more = undefined;
  }

  answer(head: ResponseHead, connection: number): void {
    const body = this.more === undefined ? this.body : Buffer.concat(this.more);
    this.measure(head.status);
    this.resolve({ kind: 'answered', status: head.status, headers: head.headers, body, connection });
  }

  refuse(reason: string): void {
    this.resolve({ kind: 'refused', reason });
  }

  /**
   * Also reports a received head: an incomplete answer does not count as one, but its status may decide the outcome.
   */
  leaveAmbiguous(reason: string): void {
    this.measure(0);
    if (this.head === undefined) return this.resolve({ kind: 'ambiguous', reason });
    const { status, headers } = this.head;
    this.resolve({ kind: 'ambiguous', reason: `${reason} (after status ${status})`, head: { status, headers } });
  }

  /** The deadline counts from the moment of writing. */
  private measure(status: number): void {
    this.meter?.settled(status, performance.now() - (this.deadline - this.timeoutMs));
  }
}
