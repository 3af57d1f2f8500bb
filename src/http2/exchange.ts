import type { PushRequest, PushResult } from './push.js';
import type { ResponseHead } from './response-head.js';

const NO_BODY = Buffer.alloc(0);

/** One request on its way: waiting in the pool, then a stream of a connection, then settled exactly once. */
export class Exchange {
  /** Stream id on its connection; 0 while it waits. */
  id = 0;
  /** How often a peer has handed it back as not processed. */
  replays = 0;
  /** The connection that handed it back last. */
  avoid = 0;

  /** Octets of body that the stream may still send; below zero after the peer lowered its initial window. */
  sendWindow = 0;
  /** Octets of body written. */
  sent = 0;

  /** The final head, once it came. */
  head: ResponseHead | undefined;
  /** Octets of body received. */
  received = 0;
  /** Octets received since the stream's window was last replenished. */
  unacknowledged = 0;
  /** 1xx heads seen. */
  informational = 0;
  private body: Buffer = NO_BODY;
  private more: Buffer[] | undefined;

  /**
   * When its time is up, on the clock of `performance.now()`: the wait for a stream first, then the wait for an answer.
   */
  deadline: number;

  constructor(
    readonly request: PushRequest,
    readonly timeoutMs: number,
    /** A stream must have been had by then. */
    private readonly waitUntil: number,
    private readonly resolve: (result: PushResult) => void,
  ) {
    this.deadline = waitUntil;
  }

  /** It is about to be written: from now on the peer's time runs. */
  begin(now: number): void {
    this.deadline = now + this.timeoutMs;
  }

  /** Copies, because the bytes are overwritten by the next read. */
  addBody(bytes: Buffer, at: number, end: number): void {
    const part = Buffer.allocUnsafe(end - at);
    bytes.copy(part, 0, at, end);
    if (this.received === 0) this.body = part;
    else (this.more ??= [this.body]).push(part);
    this.received += part.length;
  }

  /** Forgets a stream that was not processed, so that it can be one elsewhere. */
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
    this.resolve({ kind: 'answered', status: head.status, headers: head.headers, body, connection });
  }

  refuse(reason: string): void {
    this.resolve({ kind: 'refused', reason });
  }

  /**
   * Hands over the head if one came: without the rest it is no answer, but it may settle what became of the request.
   */
  leaveAmbiguous(reason: string): void {
    if (this.head === undefined) return this.resolve({ kind: 'ambiguous', reason });
    const { status, headers } = this.head;
    this.resolve({ kind: 'ambiguous', reason: `${reason} (after status ${status})`, head: { status, headers } });
  }
}
