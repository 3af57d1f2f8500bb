import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { basic } from '../harness/admin.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import { freePort } from '../harness/servers.js';

/** The log of the built program in production: JSON lines, without secrets, and without a reader. */

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** Stands in every secret of this file. */
const MARK = 'hushmark';
const folder = mkdtempSync(join(tmpdir(), 'carillon-logs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ADMIN = ['operator', `${MARK}-${randomBytes(16).toString('hex')}`] as const;
const PRODUCTION = {
  NODE_ENV: 'production',
  DATA_DIR: folder,
  MASTER_KEY: randomBytes(32).toString('base64'),
  ADMIN_CLIENT_ID: ADMIN[0],
  ADMIN_CLIENT_SECRET: ADMIN[1],
};

type Line = Record<string, unknown>;
const linesOf = (output: string): Line[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

it('each line is JSON with time, level and message, and each request has one', async () => {
  const carillon = await startCarillon(PRODUCTION);
  try {
    const token = await fetch(`${carillon.url}/mfp/api/az/v1/token`, {
      method: 'POST',
      headers: { authorization: basic(...ADMIN), 'x-request-id': 'job-1' },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: '*' }),
    });
    const { access_token: accessToken } = (await token.json()) as { access_token: string };
    await fetch(`${carillon.url}/imfpush/v1/apps/com.acme/devices?token=${MARK}`, {
      headers: { authorization: `Bearer ${accessToken}`, 'x-request-id': 'job-2' },
    });
    await fetch(`${carillon.url}/health/live`);
    const requests = (): Line[] => linesOf(carillon.output()).filter(({ context }) => context === 'Request');
    await expect.poll(() => requests().length).toBe(2);
    const own = { client: 'operator', ms: expect.any(Number), bytes: expect.any(Number) };
    expect(requests()).toEqual([
      expect.objectContaining({ msg: 'POST /:runtimeName/api/az/v1/token 200', requestId: 'job-1', ...own }),
      expect.objectContaining({ msg: 'GET /imfpush/v1/apps/:applicationId/devices 404', requestId: 'job-2', ...own }),
    ]);
    for (const line of linesOf(carillon.output()))
      expect(line).toMatchObject({
        level: expect.any(String),
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        msg: expect.any(String),
      });
    expect(carillon.output()).not.toContain(MARK);
  } finally {
    await carillon.stop();
  }
});

describe('a server that is away does not bring its password into the log', () => {
  it.each([
    ['DATABASE_URL', `postgres://carillon:${MARK}@127.0.0.1:1/carillon`],
    ['DATABASE_URL', `postgres://carillon:a%2Fb%40${MARK}@no-such-host.invalid/carillon`],
    ['DATABASE_URL', `postgres://carillon:a/b@${MARK}#x@127.0.0.1/carillon`],
    ['QUEUE_URL', `redis://user:${MARK}@127.0.0.1:1/0`],
    ['QUEUE_URL', `redis+sentinel://user:${MARK}@127.0.0.1:1/master/0`],
    ['QUEUE_URL', `redis+cluster://user:${MARK}@127.0.0.1:1`],
  ])('%s=%s', async (name, url) => {
    const { code, output } = await runToEnd({ ...PRODUCTION, [name]: url });
    expect(code).toBe(1);
    expect(linesOf(output).at(-1)).toMatchObject({ level: 'fatal' });
    expect(output).not.toContain(MARK);
  });
});

it('a reader that stands still stops nothing', async () => {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, ...PRODUCTION, HOST: '127.0.0.1', PORT: String(port) };
  // Nothing reads from the pipe, which holds 64 KiB.
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const ask = async (): Promise<number> => {
    const answer = await fetch(`${url}/nowhere`, { headers: { 'x-request-id': 'x'.repeat(128) } });
    await answer.text();
    return answer.status;
  };
  await vi.waitFor(async () => expect(await ask()).toBe(404), { timeout: 60_000, interval: 100 });
  for (let n = 0; n < 20; n++)
    expect(new Set(await Promise.all(Array.from({ length: 50 }, ask)))).toEqual(new Set([404]));
  child.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  child.stdout.destroy();
});
