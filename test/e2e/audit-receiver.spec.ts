import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { runProgram } from '../harness/program.js';
import { freePort, takesConnections } from '../harness/servers.js';
import { createTestCertificates } from '../simulators/test-certificates.js';
import { EMBEDDED } from './stages.js';

/** A receiver of the audit that is another program (openssl s_server), and stands still with open connections. */

/** Before the receiver stands still, and while it does. */
const [BEFORE, ACTS] = [100, 500];

let folder: string;
let port: number;
let caPath: string;
let receiver: ChildProcess;
let received = Buffer.alloc(0);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-receiver-'));
  ({ caPath } = await createTestCertificates(folder));
  port = await freePort();
  const files = ['-cert', join(folder, 'server.pem'), '-key', join(folder, 'server.key')];
  receiver = spawn('openssl', ['s_server', '-accept', `127.0.0.1:${port}`, ...files, '-quiet', '-naccept', '10000'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  receiver.stdout!.on('data', (bytes: Buffer) => (received = Buffer.concat([received, bytes])));
  await vi.waitUntil(() => takesConnections(port), { timeout: 10_000 });
});
afterAll(async () => {
  receiver.kill('SIGKILL');
  await once(receiver, 'exit');
  rmSync(folder, { recursive: true });
});

const program = runProgram(EMBEDDED, {
  environment: () => ({ AUDIT_SYSLOG_URL: `tls://127.0.0.1:${port}`, AUDIT_SYSLOG_CA_FILE: caPath }),
});

interface Received {
  /** `sequenceId`, by which a receiver knows repeats. */
  id: number;
  action: string;
  detail: { after?: { description: string } };
}

/** Reads frames by their length (RFC 5425). */
function frames(): Received[] {
  const found: Received[] = [];
  for (let rest = received; rest.length > 0;) {
    const blank = rest.indexOf(' ');
    const end = blank + 1 + Number(rest.subarray(0, blank).toString());
    if (!(end <= rest.length)) break;
    const text = rest.subarray(blank + 1, end).toString('utf8');
    const [, id, json] = /^<110>1 \S+ \S+ carillon \d+ \S+ \[meta sequenceId="(\d+)"\] (\{.*\})$/.exec(text)!;
    const { action, detail } = JSON.parse(json!) as Received;
    found.push({ id: Number(id), action, detail });
    rest = rest.subarray(end);
  }
  return found;
}

const audit = async () =>
  (await program.api.call<{ audit: { behind: number; error: string | null } }>('GET', '/system')).body.audit;

/** Returns how long they took. */
async function act(from: number, to: number): Promise<number> {
  const startedAt = performance.now();
  for (let n = from; n < to; n++) {
    const { status } = await program.api.app('PUT', '/tags/told', { description: `text ${n} "]\\ ü` });
    expect(status).toBe(200);
  }
  return performance.now() - startedAt;
}

it(`gets ${ACTS} acts whole and in order after it stood still, and no act waits for it`, async () => {
  await program.api.app('POST', '/tags', { name: 'told' });
  const usualMs = await act(0, BEFORE);
  await expect.poll(async () => (await audit()).behind, { timeout: 30_000 }).toBe(0);

  receiver.kill('SIGSTOP');
  const ms = await act(BEFORE, BEFORE + ACTS);
  await expect.poll(audit, { timeout: 30_000 }).toMatchObject({ error: 'the receiver does not answer' });
  expect((await audit()).behind).toBeGreaterThanOrEqual(ACTS);
  expect(ms / ACTS).toBeLessThan(3 * (usualMs / BEFORE) + 10);

  receiver.kill('SIGCONT');
  await expect.poll(async () => (await audit()).behind, { timeout: 60_000 }).toBe(0);
  // A lot that was under way comes again, with the ids that it had.
  const seen = new Set<number>();
  const first = frames().filter(({ id }) => !seen.has(id) && seen.add(id));
  expect(first.map(({ id }) => id)).toEqual(Array.from({ length: first.length }, (_each, index) => index + 1));
  const texts = first.filter(({ action }) => action === 'tag.update').map(({ detail }) => detail.after?.description);
  expect(texts).toEqual(Array.from({ length: BEFORE + ACTS }, (_each, n) => `text ${n} "]\\ ü`));
}, 180_000);
