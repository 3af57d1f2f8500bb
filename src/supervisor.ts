import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { SECOND_MS } from './common/durations.js';
import { endWith, ownLine } from './common/own-line.js';
import { surviveErrors } from './common/output.js';
import { logsJson } from './config.js';
import type { Config } from './config.js';
import { countFailures, toArguments, waitBeforeRestart } from './process-plan.js';
import type { Member } from './process-plan.js';
import { HAS_TERMINAL, reloadBy, stopBy } from './signals.js';

/** A process ends itself after its time for a stop; the supervisor ends one that does not. */
const GRACE_MS = 5 * SECOND_MS;

/** The message of a process that has started. */
export const STARTED = 'started';

/** A process of the plan, now running or waiting for its next start. */
interface Post {
  member: Member;
  worker?: Worker;
  startedAt: number;
  failures: number;
  timer?: NodeJS.Timeout;
}

/**
 * Starts the processes of a plan, and starts ended ones again. The first process starts alone, so that a fault of the
 * settings, the database or the port is reported once and ends the start with the exit code of this process. Signals
 * are passed on: each process drains, and the supervisor ends after the last one. If the supervisor is killed, the
 * processes notice the end of their channel, and drain (signals.ts).
 */
export class Supervisor {
  private readonly posts: Post[];
  private readonly json = logsJson();
  private readonly stopMs: number;
  private readonly hasTls: boolean;
  private isStarted = false;
  private signal: string | undefined;
  private exitCode = 0;

  constructor(members: readonly Member[], config: Config) {
    this.posts = members.map((member) => ({ member, startedAt: 0, failures: 0 }));
    this.hasTls = config.tls !== undefined;
    this.stopMs = config.shutdownDelayMs + config.shutdownTimeoutMs + GRACE_MS;
  }

  run(): void {
    surviveErrors(process.stdout, process.stderr);
    stopBy((signal) => this.stop(signal));
    if (this.hasTls || !HAS_TERMINAL)
      reloadBy(() => this.posts.forEach(({ worker }) => worker?.process.kill('SIGHUP')));
    this.start(this.posts[0]!);
  }

  private start(post: Post): void {
    const { member } = post;
    cluster.setupPrimary({ args: toArguments(member) });
    post.startedAt = performance.now();
    const worker = cluster.fork();
    post.worker = worker;
    worker.on('message', (message: unknown) => message === STARTED && this.started(post));
    worker.on('error', (error) => {
      this.tell('warn', `${member.name}: ${error.message}`);
      // Without a process, `exit` does not follow.
      if (worker.process.pid === undefined) this.ended(post, 1, null);
    });
    worker.on('exit', (code, signal) => this.ended(post, code, signal));
  }

  private started({ member, worker }: Post): void {
    this.tell('info', `${member.name} has started (process ${worker?.process.pid})`);
    if (this.isStarted) return;
    this.isStarted = true;
    if (this.signal === undefined) for (const post of this.posts.slice(1)) this.start(post);
  }

  /** `code` is null after a signal. */
  private ended(post: Post, code: number | null, signal: string | null): void {
    if (post.worker === undefined) return;
    const { pid } = post.worker.process;
    post.worker = undefined;
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    if (this.signal !== undefined) {
      // A process without handlers yet ends by the signal itself.
      this.exitCode = Math.max(this.exitCode, code ?? (signal === this.signal ? 0 : 1));
      return this.exitIfAlone();
    }
    const name = `${post.member.name} (process ${pid})`;
    if (!this.isStarted) {
      if (signal !== null || code === 0) return endWith(this.json, 'fatal', `${name} ended ${how} at its start`);
      process.exit(code ?? 1);
    }
    post.failures = countFailures(post.failures, performance.now() - post.startedAt);
    const waitMs = waitBeforeRestart(post.failures);
    this.tell('warn', `${name} ended ${how} and starts again in ${waitMs / SECOND_MS} s`);
    post.timer = setTimeout(() => this.start(post), waitMs);
  }

  /** Also for further signals: each process decides what a second one means. */
  private stop(signal: string): void {
    if (this.signal === undefined) setTimeout(() => this.endAll(), this.stopMs).unref();
    this.signal = signal;
    for (const { worker, timer } of this.posts) {
      clearTimeout(timer);
      worker?.process.kill(signal as NodeJS.Signals);
    }
    this.exitIfAlone();
  }

  private endAll(): void {
    for (const { member, worker } of this.posts) {
      if (worker === undefined) continue;
      this.tell('warn', `${member.name} (process ${worker.process.pid}) did not stop and is ended`);
      worker.process.kill('SIGKILL');
    }
  }

  private exitIfAlone(): void {
    if (this.posts.every(({ worker }) => worker === undefined)) process.exit(this.exitCode);
  }

  private tell(level: 'info' | 'warn', text: string): void {
    (level === 'info' ? process.stdout : process.stderr).write(ownLine(this.json, level, text));
  }
}
