import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../harness/servers.js';
import { EMBEDDED } from './stages.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

describe('a log that cannot be written does not end the process', () => {
  let environment: Record<string, string>;
  let clean: () => void;
  beforeAll(async () => ({ environment, clean } = await EMBEDDED.prepare()));
  afterAll(() => clean());

  /** Starts, answers, and drains after SIGTERM; returns the exit code. */
  async function startAndStop(stdout: 'pipe' | number): Promise<number | null> {
    const port = await freePort();
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, ...environment, HOST: '127.0.0.1', PORT: String(port) };
    const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', stdout, 'ignore'] });
    const exited = once(child, 'exit');
    // The reader of the pipe ends before the first line.
    child.stdout?.destroy();
    const live = async (): Promise<void> =>
      expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
    await vi.waitFor(live, { timeout: 60_000, interval: 100 });
    child.kill('SIGTERM');
    return ((await exited) as [number | null])[0];
  }

  it('if the reader of the pipe has ended (EPIPE)', async () => {
    expect(await startAndStop('pipe')).toBe(0);
  });

  it('if the disk is full (ENOSPC)', async () => {
    const full = openSync('/dev/full', 'w');
    expect(await startAndStop(full)).toBe(0);
    closeSync(full);
  });
});
