import { Logger } from '@nestjs/common';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { preparePrograms } from './programs.js';
import type { Programs } from './programs.js';

/**
 * Memory for a small machine, no parallel queries (their shared memory may exceed a container's /dev/shm), a log that
 * is read again in about 2 s after a crash, and log lines without statements or values.
 */
const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  io_method: 'sync',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  dynamic_shared_memory_type: 'mmap',
  log_min_messages: 'fatal',
  log_error_verbosity: 'terse',
  timezone: 'UTC',
};

const LOOK_MS = 10;
/** A server left by a killed process writes its checkpoint and ends; then it is ended without one. */
const LEFT_MS = 10_000;
const CONNECTIONS_MS = 1_000;
const AGAIN_MS = 1_000;
const LONGEST_MS = 30_000;
/** Enough of the server's words to find the reason of its end. */
const KEPT_LINES = 20;

/** Makes the files of a new database in the empty folder `data`. Rejects with initdb's own words. */
export async function makeFiles(data: string): Promise<void> {
  const programs = preparePrograms();
  takeOver(data, programs);
  const [program, args] = programs.command('initdb', [
    ...['--pgdata', data, '--username', 'carillon', '--auth', 'trust', '--no-instructions'],
    ...['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
  ]);
  const child = spawn(program, args, { env: programs.environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(causeIn(words.split('\n')) ?? `initdb ended with ${code}`);
  } finally {
    programs.remove();
  }
}

/** Files may belong to another user, like those of a backup that root put back. */
function takeOver(data: string, { owner }: Programs): void {
  if (!owner || statSync(data).uid === owner.uid) return;
  for (const name of ['', ...readdirSync(data, { recursive: true, encoding: 'utf8' })])
    chownSync(join(data, name), owner.uid, owner.gid);
}

/**
 * PostgreSQL as a child process over the files in `data`, started again after an end, and ended with this process.
 */
export class EmbeddedServer {
  private readonly log = new Logger('Database');
  private child: ChildProcess | undefined;
  private lines: string[] = [];
  private closing = false;
  private readonly endWithProcess = (): unknown => this.child?.kill('SIGINT');

  private constructor(
    private readonly data: string,
    private readonly programs: Programs,
  ) {}

  /** `data`: the folder of the files. Rejects with the server's own words. */
  static async start(data: string): Promise<EmbeddedServer> {
    const server = new EmbeddedServer(data, preparePrograms());
    try {
      takeOver(data, server.programs);
      await endLeft(data);
      await server.launch();
    } catch (error) {
      server.programs.remove();
      throw error;
    }
    process.on('exit', server.endWithProcess);
    return server;
  }

  get url(): string {
    return urlOf(this.programs.run);
  }

  /** The address of a server that another process has started over the files; null: none runs. */
  static findUrl(data: string): string | null {
    const lines = readPidFile(data);
    const pid = Number(lines[0]);
    const isThere = pid > 0 && isAlive(pid) && isServerOf(pid, data) && isReady(data, pid);
    return isThere ? urlOf(lines[4]!.trim()) : null;
  }

  /** Ends the server with a checkpoint, after its connections have ended: closed pools do not wait for that. */
  async stop(): Promise<void> {
    this.closing = true;
    process.off('exit', this.endWithProcess);
    const { child } = this;
    if (child && isRunning(child)) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const later = setTimeout(() => child.kill('SIGINT'), CONNECTIONS_MS);
      await ended;
      clearTimeout(later);
    }
    this.programs.remove();
  }

  /** Settles if the server accepts connections; rejects if it ends before. */
  private async launch(): Promise<void> {
    const settings = { ...SETTINGS, unix_socket_directories: this.programs.run };
    const [program, args] = this.programs.command('postgres', [
      ...['-D', this.data],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    // A group of its own: Ctrl-C in a terminal must not end the database before the work is drained.
    const child = spawn(program, args, {
      env: this.programs.environment,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.child = child;
    this.lines = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.keep(text));
    let failure: Error | undefined;
    child.on('error', (error) => (failure = error));
    while (!isReady(this.data, child.pid)) {
      if (failure) throw failure;
      if (!isRunning(child)) throw new Error(this.lastWords());
      await delay(LOOK_MS);
    }
    child.once('exit', () => void this.launchAgain());
    if (!isRunning(child)) void this.launchAgain();
  }

  private async launchAgain(): Promise<void> {
    for (let wait = AGAIN_MS; !this.closing; wait = Math.min(2 * wait, LONGEST_MS)) {
      this.log.error(`The embedded database has ended and is started again: ${this.lastWords()}`);
      await delay(wait);
      if (this.closing) return;
      const started = await this.launch().then(
        () => true,
        () => false,
      );
      if (started) return this.log.log('The embedded database runs again');
    }
  }

  private keep(text: string): void {
    this.lines = [...this.lines, ...text.split('\n').filter((line) => line !== '')].slice(-KEPT_LINES);
  }

  private lastWords(): string {
    return causeIn(this.lines) ?? 'it said nothing';
  }
}

/** `folder`: that of the socket. */
function urlOf(folder: string): string {
  return `postgres://carillon@/postgres?host=${encodeURIComponent(folder)}`;
}

/** The first serious line of a server's log, which is the cause of those after it; without its time and process. */
function causeIn(lines: string[]): string | undefined {
  const line = lines.find((each) => /\b(PANIC|FATAL|error):/.test(each)) ?? lines.findLast((each) => each !== '');
  return line?.replace(/^.*?\b(PANIC|FATAL|error):\s*/, '');
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** PostgreSQL's postmaster.pid: the number of the process, in line 5 its socket's folder, and in line 8 its state. */
function isReady(data: string, pid: number | undefined): boolean {
  const lines = readPidFile(data);
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

function readPidFile(data: string): string[] {
  const file = join(data, 'postmaster.pid');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}

/**
 * Waits for the end of a server whose Carillon was killed, and ends it. A number that now belongs to another process,
 * as in a copy of the folder or after a restart of the machine, would stop PostgreSQL from starting.
 */
async function endLeft(data: string): Promise<void> {
  const pid = Number(readPidFile(data)[0]);
  if (!(pid > 0) || !isAlive(pid)) return;
  if (!isServerOf(pid, data)) return rmSync(join(data, 'postmaster.pid'), { force: true });
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    process.kill(pid, signal);
    for (const until = performance.now() + LEFT_MS; performance.now() < until; await delay(LOOK_MS))
      if (!isAlive(pid)) return;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A server works in the folder of its files, also if the folder was renamed. */
function isServerOf(pid: number, data: string): boolean {
  if (!existsSync('/proc/self')) {
    const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
    return stdout.includes(data);
  }
  try {
    const [theirs, ours] = [statSync(`/proc/${pid}/cwd`), statSync(data)];
    return theirs.ino === ours.ino && theirs.dev === ours.dev;
  } catch {
    return false;
  }
}
