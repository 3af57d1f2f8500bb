import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, takesConnections } from '../../test/harness/servers.js';
import { until } from '../../test/medium/http2/until.js';
import type { Sender } from './measure.js';
import { tokenOf } from './sink.js';

/** gorush has Apple's host as a constant. */
const HOST = 'api.sandbox.push.apple.com';
const ADDRESS = '127.9.9.9';

/** A certificate for Apple's host, with which the sink listens at port 443 of a loopback address. */
export class GorushHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'carillon-gorush-'));

  constructor() {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`],
        ...['-keyout', join(this.folder, 'host.key'), '-out', join(this.folder, 'host.pem')],
      ],
      { stdio: 'pipe' },
    );
    writeFileSync(join(this.folder, 'hosts'), `127.0.0.1 localhost\n${ADDRESS} ${HOST}\n`);
  }

  /** A server block of nginx with further lines. */
  block(lines: string): string {
    const file = (name: string): string => join(this.folder, name);
    return `server { listen ${ADDRESS}:443 ssl http2; ssl_certificate ${file('host.pem')};
      ssl_certificate_key ${file('host.key')}; ${lines} }`;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Starts gorush with the defaults of its sample configuration, and a queue that takes every message: with 8,192 a full
 * queue is answered 500. Its hosts file is its own, which needs root.
 */
export async function startGorush(
  binary: string,
  host: GorushHost,
  key: string,
): Promise<{ sender: Sender; stop: () => Promise<void> }> {
  const port = await freePort();
  writeFileSync(join(host.folder, 'key.p8'), key);
  const sections = {
    core: {
      enabled: true,
      max_notification: 100,
      queue_num: 1_000_000,
      address: '127.0.0.1',
      port: String(port),
      mode: 'release',
    },
    api: {
      push_uri: '/api/push',
      stat_go_uri: '/api/stat/go',
      stat_app_uri: '/api/stat/app',
      config_uri: '/api/config',
      sys_stat_uri: '/sys/stats',
      metric_uri: '/metrics',
      health_uri: '/healthz',
    },
    android: { enabled: false },
    huawei: { enabled: false },
    queue: { engine: 'local' },
    ios: {
      enabled: true,
      key_path: join(host.folder, 'key.p8'),
      key_type: 'p8',
      key_id: 'KEY1234567',
      team_id: 'TEAM123456',
      max_concurrent_pushes: 100,
    },
    log: {
      access_log: join(host.folder, 'access.log'),
      access_level: 'error',
      error_log: join(host.folder, 'error.log'),
      error_level: 'error',
    },
    stat: { engine: 'memory' },
  };
  // JSON is YAML.
  writeFileSync(join(host.folder, 'gorush.yml'), JSON.stringify(sections));
  const child = spawn(
    'unshare',
    ['--mount', 'sh', '-c', 'mount --bind "$1" /etc/hosts && exec "$2" -c "$3"', 'sh'].concat([
      join(host.folder, 'hosts'),
      binary,
      join(host.folder, 'gorush.yml'),
    ]),
    { env: { ...process.env, SSL_CERT_FILE: join(host.folder, 'host.pem') }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  let ready = false;
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until('gorush listens', () => {
    if (child.exitCode !== null) throw new Error(`gorush ended: ${said}`);
    void takesConnections(port).then((takes) => (ready ||= takes));
    return ready;
  });
  const bodyOf = (device: number): string =>
    JSON.stringify({
      notifications: [
        { tokens: [tokenOf(device)], platform: 1, message: `Your code is ${device}`, topic: 'com.example.bench' },
      ],
    });
  return {
    sender: {
      target: { port, path: '/api/push', token: 'none', status: 200 },
      bodyOf,
      pids: { gorush: child.pid ?? 0 },
    },
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
