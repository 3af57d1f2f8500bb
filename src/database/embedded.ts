import { Logger } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import type pg from 'pg';
import { rootCause } from '../common/errors.js';
import { reviveJson } from '../common/json.js';
import { StartError } from '../common/start-error.js';
import { preparation } from './connection.js';
import { checkDataFiles } from './data-files.js';
import { hasNoRoom, isFull, noRoom } from './disk-room.js';
import { lockFolder } from './folder-lock.js';
import type { Opened } from './postgres.js';

type Statement = string | { text: string; values?: unknown[] };
interface Result {
  rows: Record<string, unknown>[];
  rowCount: number;
  command: string;
}

/** Opens or creates the database under `dataDir`; 4 to 6 s for a new one, about 1 s afterwards. */
export async function openEmbedded(dataDir: string): Promise<Opened> {
  const folder = resolve(dataDir);
  const unlock = lockFolder(folder);
  try {
    const made = checkDataFiles(folder);
    keepPrivate(join(folder, 'database'));
    const db = await PGlite.create(join(folder, 'database'), { parsers: PARSERS });
    // No limit for statements: the database runs in this process, so a long statement also blocks the timer.
    await db.exec(preparation('public, bullmq', 0));
    made();
    // Kysely and BullMQ use only connect, query, end and on of a pg.Pool, which EmbeddedPool has.
    const pool = new EmbeddedPool(db) as unknown as pg.Pool;
    const close = async () => {
      await pool.end();
      unlock();
    };
    return { pool, place: folder, schema: 'public', migrate: (work) => work(pool), close };
  } catch (error) {
    unlock();
    if (error instanceof StartError) throw error;
    throw isFull(error) || hasNoRoom(folder)
      ? noRoom(folder)
      : new StartError(
          `The embedded database in DATA_DIR ${folder} cannot be opened: its files are damaged or incomplete, restore the whole folder from a backup`,
          error,
        );
  }
}

/**
 * Makes the database's folder private: PGlite's files, with tokens, users and texts, are readable by every user of the
 * machine.
 */
function keepPrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) === 0) return;
  try {
    chmodSync(folder, 0o700);
  } catch (error) {
    new Logger('Database').warn(`${folder} is open to other users of this machine: ${rootCause(error)}`);
  }
}

const PARSERS = {
  [types.BYTEA]: (text: string) => Buffer.from(text.slice(2), 'hex'),
  [types.INT8]: Number,
  [types.JSON]: reviveJson,
  [types.JSONB]: reviveJson,
  1016: (text: string) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number)), // bigint[]
};

/**
 * Gives PGlite, a single PostgreSQL session, the interface of a `pg.Pool`. A transaction holds the session from BEGIN
 * to COMMIT or ROLLBACK; single statements queue between transactions. LISTEN is separate, because PGlite delivers
 * notifications beside the session.
 */
class EmbeddedPool extends EventEmitter {
  private readonly session = new Lock();

  constructor(private readonly db: PGlite) {
    super();
    // BullMQ adds an 'error' listener for each queue and worker, more than Node's limit for its leak warning.
    this.setMaxListeners(0);
  }

  async query(text: Statement, values?: unknown[]): Promise<Result> {
    const unlock = await this.session.take();
    try {
      return await run(this.db, text, values);
    } finally {
      unlock();
    }
  }

  connect(): Promise<EmbeddedClient> {
    return Promise.resolve(new EmbeddedClient(this.db, this.session));
  }

  async end(): Promise<void> {
    const unlock = await this.session.take();
    try {
      await this.db.close();
    } finally {
      unlock();
    }
  }
}

class EmbeddedClient extends EventEmitter {
  private readonly stopListening = new Map<string, () => Promise<void>>();
  private unlock: (() => void) | undefined;

  constructor(
    private readonly db: PGlite,
    private readonly session: Lock,
  ) {
    super();
  }

  async query(text: Statement, values?: unknown[]): Promise<Result> {
    const statement = withoutComments(text);
    const listen = /^(un)?listen\s+"?([^";\s]+)"?/i.exec(statement);
    if (listen?.[2]) {
      await (listen[1] ? this.unlisten(listen[2]) : this.listen(listen[2]));
      return { rows: [], rowCount: 0, command: 'LISTEN' };
    }
    if (/^(begin|start\s+transaction)\b/i.test(statement)) this.unlock ??= await this.session.take();
    const unlockAfter = this.unlock ? undefined : await this.session.take();
    try {
      return await run(this.db, text, values);
    } finally {
      unlockAfter?.();
      if (/^(commit|rollback(?!\s+to\b)|end)\b/i.test(statement)) this.leaveTransaction();
    }
  }

  release(): void {
    for (const stop of this.stopListening.values()) void stop().catch(() => undefined);
    this.stopListening.clear();
    if (this.unlock)
      void this.db
        .query('rollback')
        .catch(() => undefined)
        .finally(() => this.leaveTransaction());
    this.emit('end');
  }

  private leaveTransaction(): void {
    this.unlock?.();
    this.unlock = undefined;
  }

  private async listen(channel: string): Promise<void> {
    const unlock = await this.session.take();
    try {
      const stop = await this.db.listen(`"${channel}"`, (payload) => this.emit('notification', { channel, payload }));
      this.stopListening.set(channel, stop);
    } finally {
      unlock();
    }
  }

  private async unlisten(channel: string): Promise<void> {
    for (const [name, stop] of this.stopListening) {
      if (channel !== '*' && channel !== name) continue;
      await stop();
      this.stopListening.delete(name);
    }
  }
}

/** BullMQ's statements begin with a comment. */
function withoutComments(text: Statement): string {
  return (typeof text === 'string' ? text : text.text).replace(/^(\s+|--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)+/, '');
}

/** A lock granted in the order of requests. */
class Lock {
  private tail: Promise<void> = Promise.resolve();

  async take(): Promise<() => void> {
    const before = this.tail;
    let unlock!: () => void;
    this.tail = new Promise((done) => (unlock = done));
    await before;
    return unlock;
  }
}

async function run(db: PGlite, text: Statement, values?: unknown[]): Promise<Result> {
  const statement = typeof text === 'string' ? text : text.text;
  const parameters = values ?? (typeof text === 'string' ? undefined : text.values);
  // Only the simple protocol (exec) accepts several statements in one text, which migrations send.
  const result = parameters?.length ? await db.query(statement, parameters) : (await db.exec(statement)).at(-1);
  const rows = (result?.rows ?? []) as Record<string, unknown>[];
  const command = /^\w+/.exec(withoutComments(text))?.[0].toUpperCase() ?? '';
  return { rows, rowCount: result?.affectedRows || rows.length, command };
}
