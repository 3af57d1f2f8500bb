import { Connection, type ConnectionOwner } from './connection.js';
import { DialPace } from './dial-pace.js';
import { Exchange } from './exchange.js';
import { settlePoolOptions, type PoolSettings } from './pool-settings.js';
import type { PushPoolOptions, PushPoolStats, PushRequest, PushResult } from './push.js';
import { checkRequest } from './request-check.js';
import { RequestQueue } from './request-queue.js';

/** The interval of the clock: time-outs are late by at most this much. */
const BUSY_TICK_MS = 100;
const IDLE_TICK_MS = 1000;

/** How often a request that was not processed is sent again before it is refused. */
const MAX_REPLAYS = 2;

/** After this many consecutive failed connections waiting requests are refused. */
const FAILURES_BEFORE_REFUSAL = 2;

const DEFAULT_GRACE_MS = 5000;

const CALLED_OFF = 'called off before it was written';

/**
 * Connections to one origin with one credential. Opens a connection when a request comes, and another, one at a time,
 * while all are full. A connection that is retired by the peer or by its age is replaced before it drains.
 */
export class PushPool implements ConnectionOwner {
  private readonly settings: PoolSettings;
  private readonly pace: DialPace;
  private readonly queue = new RequestQueue();
  /** The signals with a listener: one listener for all requests of a caller. */
  private readonly signals = new WeakSet<AbortSignal>();
  /** The connections with an open socket, oldest first. */
  private readonly connections = new Set<Connection>();
  /**
   * The connections that accept requests. They are filled in this order, so that surplus ones become idle and are
   * closed by age.
   */
  private ready: Connection[] = [];
  private dialling: Connection | undefined;
  /** The end of each connection's age, on the clock of `performance.now()`. */
  private readonly expiry = new WeakMap<Connection, number>();
  private nextId = 1;
  private pumpScheduled = false;
  private readonly runPump = (): void => this.pump();
  private timer: NodeJS.Timeout | undefined;
  private tickMs = 0;
  private closing = false;
  private lastError: string | undefined;
  private session: Buffer | undefined;
  /** Calls of `close` that wait for the last socket to close. */
  private readonly closers: (() => void)[] = [];

  /**
   * Throws TypeError if the origin is not an `http:` or `https:` URL.
   * @param firstStreamId for tests in which the ids of a connection run out
   */
  constructor(options: PushPoolOptions, firstStreamId = 1) {
    this.settings = settlePoolOptions(options, firstStreamId);
    this.pace = new DialPace(this.settings.openIntervalMs);
  }

  /**
   * Settles as PushResult describes and never rejects because of the peer. Rejects with TypeError for an invalid
   * request: a path or header with illegal characters, or a reserved header.
   */
  send(request: PushRequest): Promise<PushResult> {
    return new Promise((resolve) => {
      checkRequest(request);
      const timeoutMs = request.timeoutMs ?? this.settings.requestTimeoutMs;
      const exchange = new Exchange(request, timeoutMs, performance.now() + timeoutMs, resolve, this.settings.meter);
      if (this.closing) return exchange.refuse('the pool is closed');
      if (request.signal?.aborted === true) return exchange.refuse(CALLED_OFF);
      if (request.signal !== undefined) this.listenTo(request.signal);
      this.queue.push(exchange);
      if (this.tickMs !== BUSY_TICK_MS) this.arm(BUSY_TICK_MS);
      this.wake();
    });
  }

  /**
   * Sends no further request on this connection and closes it after its requests are settled; another connection
   * replaces it.
   */
  retire(connection: number): void {
    for (const each of this.connections) if (each.id === connection) each.drain('retired');
    this.wake();
  }

  stats(): PushPoolStats {
    let inFlight = 0;
    let capacity = 0;
    let connections = 0;
    for (const each of this.connections) {
      inFlight += each.inFlight;
      capacity += each.capacity;
      if (each.state === 'open') connections++;
    }
    const stats: PushPoolStats = { connections, inFlight, waiting: this.queue.size, capacity };
    if (this.lastError !== undefined) stats.lastError = this.lastError;
    return stats;
  }

  /**
   * Refuses waiting requests, waits up to `graceMs` (default 5,000) for answers to written ones, and resolves when
   * every socket is closed. Unanswered requests are then ambiguous.
   */
  async close(graceMs = DEFAULT_GRACE_MS): Promise<void> {
    this.closing = true;
    for (const exchange of this.queue.drain()) exchange.refuse('the pool is closed');
    for (const each of this.connections) {
      if (each.state === 'connecting') each.abort('the pool is closed');
      else each.drain('the pool is closed');
    }
    const cut = setTimeout(() => {
      for (const each of this.connections) each.abort('the pool is closed');
    }, graceMs);
    await new Promise<void>((resolve) => {
      this.closers.push(resolve);
      this.checkQuiet();
    });
    clearTimeout(cut);
    clearTimeout(this.timer);
  }

  opened(connection: Connection): void {
    if (this.dialling === connection) this.dialling = undefined;
    this.ready.push(connection);
    // Connections to be replaced have waited for this one.
    const now = performance.now();
    for (const each of this.ready) if (each !== connection && this.isAged(each, now)) each.drain('aged');
    this.wake();
  }

  /**
   * Pumps after the events of this turn of the loop: a peer that sends each answer in its own TLS record causes one
   * data event per answer, and the following requests should share one write.
   */
  wake(): void {
    if (this.pumpScheduled) return;
    this.pumpScheduled = true;
    setImmediate(this.runPump);
  }

  proven(): void {
    this.pace.answered();
  }

  draining(connection: Connection): void {
    this.forget(connection);
    this.pace.left(connection.createdAt, connection.answered);
    // Open requests show that another connection will be needed soon.
    if (connection.inFlight > 0) this.openFirst();
  }

  takeBack(exchange: Exchange, connection: number, reason: string): void {
    exchange.rewind();
    exchange.avoid = connection;
    if (exchange.request.signal?.aborted === true) return exchange.refuse(CALLED_OFF);
    if (this.closing || exchange.replays >= MAX_REPLAYS) return exchange.refuse(reason);
    exchange.replays++;
    this.queue.putBack(exchange);
    this.wake();
  }

  closed(connection: Connection, reason: string): void {
    this.forget(connection);
    this.ended(connection.createdAt, connection.answered, reason);
    this.wake();
  }

  gone(connection: Connection): void {
    this.connections.delete(connection);
    this.checkQuiet();
  }

  wentAway(code: number): void {
    this.settings.meter?.wentAway(code);
  }

  troubled(reason: string): void {
    this.lastError = reason;
  }

  resumable(session: Buffer): void {
    this.session = session;
  }

  private listenTo(signal: AbortSignal): void {
    if (this.signals.has(signal)) return;
    this.signals.add(signal);
    const callOff = (): void => {
      for (const exchange of this.queue.takeOut(signal)) exchange.refuse(CALLED_OFF);
    };
    signal.addEventListener('abort', callOff, { once: true });
  }

  /** The connection accepts no more requests. */
  private forget(connection: Connection): void {
    this.ready = this.ready.filter((each) => each !== connection);
    if (this.dialling === connection) this.dialling = undefined;
  }

  /** Waiting requests are refused after the second consecutive failure, if no other connection could serve them. */
  private ended(openedAt: number, answers: number, reason: string): void {
    this.pace.ended(performance.now(), openedAt, answers);
    const alone = this.ready.length === 0 && this.dialling === undefined;
    if (!alone || answers > 0 || this.pace.failures < FAILURES_BEFORE_REFUSAL) return;
    for (const exchange of this.queue.drain()) exchange.refuse(reason);
  }

  private pump(): void {
    this.pumpScheduled = false;
    const queue = this.queue;
    const now = performance.now();
    for (const connection of this.ready) {
      while (connection.hasRoom && queue.size > 0 && !this.shuns(connection, queue.peek()!)) {
        const exchange = queue.shift()!;
        exchange.begin(now);
        connection.start(exchange);
      }
    }
    for (const connection of this.connections) connection.flush();
    if (queue.size > 0) this.openFirst();
  }

  /** A returned request uses another connection if there is one. */
  private shuns(connection: Connection, exchange: Exchange): boolean {
    return exchange.avoid === connection.id && this.ready.length > 1;
  }

  private openFirst(): void {
    if (this.ready.length === 0 && this.pace.mayDial(performance.now())) this.dial();
  }

  private dial(): void {
    if (this.dialling !== undefined || this.closing) return;
    const now = performance.now();
    this.pace.dialled(now);
    try {
      this.dialling = new Connection({ ...this.settings, id: this.nextId++, session: this.session }, this);
    } catch (error) {
      // node:tls throws at once if certificate, key or password do not match.
      this.troubled(`cannot connect: ${(error as Error).message}`);
      this.ended(now, 0, this.lastError!);
      return;
    }
    this.connections.add(this.dialling);
    this.expiry.set(this.dialling, now + this.settings.maxAgeMs * (0.5 + Math.random() / 2));
  }

  private tick(): void {
    const now = performance.now();
    for (const connection of this.connections) connection.tick(now);
    for (const exchange of this.queue.takeExpired(now)) exchange.refuse(this.waitedInVain(exchange));
    this.replaceAged(now);
    this.grow(now);
    if (this.isBusy()) this.openFirst();
    this.wake();
    if (this.queue.size > 0 || this.connections.size > 0) this.arm(this.isBusy() ? BUSY_TICK_MS : IDLE_TICK_MS);
    else this.tickMs = 0;
  }

  private waitedInVain(exchange: Exchange): string {
    const trouble = this.ready.length === 0 && this.lastError !== undefined ? `: ${this.lastError}` : '';
    return `no stream within ${exchange.timeoutMs} ms${trouble}`;
  }

  private replaceAged(now: number): void {
    for (const connection of this.ready) {
      if (!this.isAged(connection, now)) continue;
      if (this.isBusy()) {
        if (this.pace.mayGrow(now)) this.dial();
      } else {
        connection.drain('aged');
      }
      return;
    }
  }

  private isAged(connection: Connection, now: number): boolean {
    return connection.isNearlyExhausted || now >= this.expiry.get(connection)!;
  }

  /**
   * Opens another connection if every one is full. A peer that allows no stream, or has not answered the primer, gets
   * no more connections.
   */
  private grow(now: number): void {
    if (this.queue.size === 0 || this.ready.length >= this.settings.maxConnections) return;
    const full = this.ready.every(
      (connection) => connection.isPrimed && connection.capacity > 0 && !connection.hasRoom,
    );
    if (full && this.pace.mayGrow(now)) this.dial();
  }

  private isBusy(): boolean {
    if (this.queue.size > 0) return true;
    for (const connection of this.connections) if (connection.inFlight > 0) return true;
    return false;
  }

  private arm(ms: number): void {
    clearTimeout(this.timer);
    this.tickMs = ms;
    this.timer = setTimeout(() => this.tick(), ms);
  }

  private checkQuiet(): void {
    if (this.connections.size === 0) for (const done of this.closers.splice(0)) done();
  }
}
