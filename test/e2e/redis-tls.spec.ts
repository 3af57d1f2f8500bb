import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { runToEnd, startCarillon } from '../harness/carillon.js';
import { freePort } from '../harness/servers.js';
import { REDIS_AVAILABLE, startRedis } from '../medium/queue/redis-server.js';
import type { RedisServer } from '../medium/queue/redis-server.js';
import { createTestCertificates } from '../simulators/test-certificates.js';
import { EMBEDDED } from './stages.js';

describe.skipIf(!REDIS_AVAILABLE)('a queue on rediss:// with a certificate of a private authority', () => {
  let folder: string;
  let ca: string;
  let redis: RedisServer;
  let environment: Record<string, string>;
  let clean: () => void;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'carillon-tls-'));
    ca = (await createTestCertificates(folder)).caPath;
    const port = await freePort();
    const files = ['--tls-cert-file', join(folder, 'server.pem'), '--tls-key-file', join(folder, 'server.key')];
    redis = await startRedis([
      '--tls-port',
      String(port),
      ...files,
      '--tls-ca-cert-file',
      ca,
      '--tls-auth-clients',
      'no',
    ]);
    const prepared = await EMBEDDED.prepare();
    environment = { ...prepared.environment, QUEUE_URL: `rediss://localhost:${port}` };
    clean = prepared.clean;
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true });
    clean();
  });

  it('is refused in one line without the authority', async () => {
    const { code, output } = await runToEnd(environment);
    expect(output).toMatch(/^carillon: The queue cannot be reached \(Redis at localhost:\d+\): .*certificate.*\n$/);
    expect(code).toBe(1);
  });

  it('carries messages if NODE_EXTRA_CA_CERTS names the authority’s file', async () => {
    const carillon = await startCarillon({ ...environment, NODE_EXTRA_CA_CERTS: ca });
    try {
      const api = await Api.connect(carillon.url);
      const messageId = await api.send({ message: { alert: 'To all' } });
      const { outcomes } = await api.waitFor(messageId, ({ state }) => state === 'finished');
      expect(outcomes.accepted).toBe(5);
    } finally {
      await carillon.stop();
    }
  });
});
