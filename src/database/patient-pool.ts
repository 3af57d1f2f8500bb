import type { Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { SQL_STATE, hasSqlState } from '../common/sql-state.js';
import { PlanningClient } from './prepared.js';

/** Members of pg's pool that its types do not declare. */
export interface Inside {
  connection: { stream: Socket; on(event: 'errorMessage', listener: (error: { code?: string }) => void): void };
  /** False from the sending of a query until the server is ready for the next. */
  readyForQuery: boolean;
}

/**
 * PgBouncer accepts a connection at once and lets its first statement wait for a session, two minutes by default. Less
 * than CONNECT_MS, after which pg ends the callers' waits.
 */
const SESSION_MS = 3_000;
/** After a refusal, the next attempt to open another connection. */
const ASK_AGAIN_MS = 10_000;

/**
 * PostgreSQL reports `max_connections` by a code, PgBouncer reports `max_client_conn` and `query_wait_timeout` by text
 * only.
 */
const NONE_FREE = /no more connections allowed|query_wait_timeout/;

export class NoConnectionFree extends Error {
  readonly code = SQL_STATE.tooManyConnections;

  constructor(held: number, max: number) {
    super(
      `The database, or the pooler before it, has had no connection free for ${SESSION_MS / 1_000} s; this process holds ${held} of ${max}`,
    );
    this.name = 'NoConnectionFree';
  }
}

type Callback = Parameters<pg.Pool['connect']>[0];

/**
 * A pool that continues with its open connections if the server or a pooler refuses more. In pg's own pool a caller
 * waits for a new connection although a used one has been returned.
 */
export class PatientPool extends pg.Pool {
  private readonly logger = new Logger('Database');
  private readonly waiting = new Set<Inside>();
  /** Number of prepared connections. */
  private held = 0;
  private refusedAt: number | undefined;

  constructor(
    private most: number,
    options: pg.PoolConfig,
    private readonly prepare: (client: pg.ClientBase) => Promise<void>,
  ) {
    // The pool awaits the result; its types declare a function without one.
    const onConnect = (client: pg.ClientBase): unknown => this.begin(client);
    super({ ...options, max: most, onConnect, Client: PlanningClient });
  }

  /** Sets the maximum number of connections. */
  allow(most: number): void {
    this.most = most;
    if (this.refusedAt === undefined) this.options.max = most;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Callback): void;
  override connect(callback?: Callback): Promise<pg.PoolClient> | void {
    if (this.refusedAt !== undefined && performance.now() - this.refusedAt > ASK_AGAIN_MS) this.ask();
    const connecting = super.connect().catch((error: unknown) => {
      if (!isNoneFree(error)) throw error;
      this.keepToThese();
      // Now queues for the open connections.
      return super.connect();
    });
    if (!callback) return connecting;
    connecting.then(
      (client) => callback(undefined, client, (error) => client.release(error)),
      (error: Error) => callback(error, undefined, () => undefined),
    );
  }

  override end(): Promise<void> {
    for (const { connection } of this.waiting) connection.stream.destroy();
    return super.end();
  }

  private async begin(client: pg.ClientBase): Promise<void> {
    const inside = client as unknown as Inside;
    this.waiting.add(inside);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      inside.connection.stream.destroy();
    }, SESSION_MS);
    try {
      await this.prepare(client);
      this.hold(client);
    } catch (error) {
      throw late ? new NoConnectionFree(this.held, this.most) : error;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(inside);
    }
  }

  private hold(client: pg.ClientBase): void {
    this.held++;
    client.once('end', () => this.held--);
    if (this.refusedAt !== undefined) this.ask();
  }

  private keepToThese(): void {
    if (this.refusedAt === undefined && this.held > 0)
      this.logger.warn(
        `The server of the database, or the pooler before it, has no more connections: this process goes on with ${this.held} of ${this.most}`,
      );
    this.refusedAt = performance.now();
    this.options.max = Math.max(1, this.held);
  }

  private ask(): void {
    this.options.max = Math.min(this.most, this.held + 1);
    this.refusedAt = this.options.max < this.most ? performance.now() : undefined;
  }
}

function isNoneFree(error: unknown): boolean {
  const { message = '' } = error as { message?: string };
  return hasSqlState(error, SQL_STATE.tooManyConnections) || NONE_FREE.test(message);
}
