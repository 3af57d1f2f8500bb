import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, SpawnSyncReturns } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The built program as a separate process. */

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;
/** Node's, before those of a test. */
const FLAGS = (process.env.PROGRAM_FLAGS ?? '--enable-source-maps').split(' ');

export interface RunningCarillon {
  url: string;
  pid: number;
  /** The output so far. */
  output(): string;
  /** Sends SIGTERM; returns the exit code and the duration. */
  stop(): Promise<{ code: number | null; ms: number }>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** The exit code after the end; null after a signal. */
  exited: Promise<number | null>;
}

/**
 * Starts the program on a free port unless `PORT` is given, and waits until it listens. `flags` are Node's; `main` is
 * the program of another release.
 */
export async function startCarillon(
  environment: Record<string, string>,
  flags: readonly string[] = [],
  main = MAIN,
): Promise<RunningCarillon> {
  const run = runCarillon({ PORT: '0', HOST: '127.0.0.1', ...environment }, flags, [], main);
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      run.child.kill('SIGKILL');
      reject(new Error(`carillon did not start:\n${run.output()}`));
    }, START_TIMEOUT_MS);
    const look = (): void => {
      const listening = /Carillon listens on (\S+)/.exec(run.output());
      if (!listening?.[1]) return;
      // Each look joins the whole output, which later has megabytes of the request log.
      run.child.stdout?.off('data', look);
      clearTimeout(timer);
      resolve(listening[1]);
    };
    run.child.stdout?.on('data', look);
    run.child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`carillon ended with ${code}:\n${run.output()}`));
    });
  });
  return {
    url,
    pid: run.child.pid ?? 0,
    output: run.output,
    stop: async () => {
      const started = Date.now();
      run.child.kill('SIGTERM');
      return { code: await run.exited, ms: Date.now() - started };
    },
    kill: async () => {
      run.child.kill('SIGKILL');
      await run.exited;
    },
    exited: run.exited,
  };
}

/** Runs the program until it ends: starts that fail, and commands. */
export async function runToEnd(
  environment: Record<string, string>,
  ...command: string[]
): Promise<{ code: number | null; output: string }> {
  const run = runCarillon(environment, [], command);
  return { code: await run.exited, output: run.output() };
}

/** Runs shell lines, under `wrap` if given, and then the program in place of the shell, until it ends. */
export function runAfter(
  lines: string,
  environment: Record<string, string>,
  wrap: readonly string[] = [],
): SpawnSyncReturns<string> {
  const [command, ...args] = [...wrap, '/bin/sh', '-c', `${lines}; exec "${process.execPath}" "${MAIN}"`];
  const env = { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', ...environment };
  return spawnSync(command, args, { env, encoding: 'utf8' });
}

export interface Run {
  child: ChildProcess;
  /** The output so far. */
  output: () => string;
  exited: Promise<number | null>;
}

/** Starts the program, or runs a command of it, without waiting for it. */
export function runCarillon(
  environment: Record<string, string>,
  flags: readonly string[] = [],
  command: readonly string[] = [],
  main = MAIN,
): Run {
  if (!existsSync(main)) throw new Error('dist/main.js is missing: npm run build');
  // Only variables that a process needs to run, no settings of the caller.
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, [...FLAGS, '--max-semi-space-size=32', ...flags, main, ...command], {
    env: { PATH, HOME, TMPDIR, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => output, exited };
}
