import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { testCertificate, testKey } from './test-certificate.js';
import { until } from './until.js';

/** Path of a server's program, or undefined. Servers are often outside of a user's PATH. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Under CI a missing peer is a failure; elsewhere its tests are skipped. */
export function isMissing(name: string): boolean {
  return findProgram(name) === undefined && process.env['CI'] !== 'true';
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** The process of a server. */
export interface RealPeer {
  /** Origin of its TLS port. */
  origin: string;
  /** Its folder with certificate, key, configuration and logs. */
  folder: string;
  pid: number;
  /** Signals the process. */
  signal(name: NodeJS.Signals): void;
  /** Ends the process and removes the folder. */
  stop(): Promise<void>;
}

/**
 * Starts a server in the foreground in a new folder and waits until it accepts connections. `prepare` gets folder and
 * port, and returns the program's arguments.
 */
async function start(name: string, prepare: (folder: string, port: number) => Promise<string[]>): Promise<RealPeer> {
  const program = findProgram(name);
  if (program === undefined) throw new Error(`${name} is not installed`);
  const folder = await mkdtemp(join(tmpdir(), `carillon-${name}-`));
  const port = await freePort();
  await writeFile(join(folder, 'cert.pem'), testCertificate);
  await writeFile(join(folder, 'key.pem'), testKey);
  const child = spawn(program, await prepare(folder, port), { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  let exited = false;
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.on('exit', () => (exited = true));
  let accepts = false;
  await until(`${name} accepts connections: ${said}`, () => {
    if (exited) throw new Error(`${name} ended: ${said}`);
    const probe = connect(port, '127.0.0.1', () => {
      accepts = true;
      probe.destroy();
    });
    probe.on('error', () => {});
    return accepts;
  });
  return {
    origin: `https://127.0.0.1:${port}`,
    folder,
    pid: child.pid ?? 0,
    signal: (signal) => child.kill(signal),
    async stop() {
      child.kill('SIGTERM');
      await until(`${name} stopped`, () => exited);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * `server` lines go into the server block, `http` lines before it. Started as root, its workers need a user that can
 * read the folder.
 */
export function startNginx(server: string, http = ''): Promise<RealPeer> {
  return start('nginx', async (folder, port) => {
    const user = process.getuid?.() === 0 ? 'user root;' : '';
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((t) => `${t}_temp_path ${folder}/${t};`)
      .join(' ');
    await writeFile(
      join(folder, 'nginx.conf'),
      `${user} worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; ${temp} ${http}
  server { listen 127.0.0.1:${port} ssl http2; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
  ${server} } }`,
    );
    return ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
  });
}

/** Serves `files` (name and content) with `options` of nghttpd. */
export function startNghttpd(files: Record<string, string>, ...options: string[]): Promise<RealPeer> {
  return start('nghttpd', async (folder, port) => {
    for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
    return [
      '-a',
      '127.0.0.1',
      '-d',
      folder,
      ...options,
      String(port),
      join(folder, 'key.pem'),
      join(folder, 'cert.pem'),
    ];
  });
}

/** The lines that every configuration of Apache begins with. */
function apacheBasics(modules: readonly string[], folder: string, port: number): string {
  const loads = modules.map((module) => `LoadModule ${module}_module /usr/lib/apache2/modules/mod_${module}.so`);
  return `${loads.join('\n')}
ServerName localhost
ServerRoot ${folder}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
Mutex posixsem
Listen 127.0.0.1:${port}`;
}

/** `lines` go into the main configuration. */
export function startApache(lines: string): Promise<RealPeer> {
  return start('apache2', async (folder, port) => {
    const modules = ['mpm_event', 'ssl', 'http2', 'authz_core', 'alias', 'rewrite'];
    await writeFile(
      join(folder, 'apache.conf'),
      `${apacheBasics(modules, folder, port)}
Protocols h2 http/1.1
SSLEngine on
SSLCertificateFile ${folder}/cert.pem
SSLCertificateKeyFile ${folder}/key.pem
DocumentRoot ${folder}
${lines}
`,
    );
    return ['-X', '-f', join(folder, 'apache.conf')];
  });
}

/** Apache as a proxy for HTTP CONNECT, without TLS, that wants this user and password. */
export async function startForwardApache(user: string, password: string): Promise<RealPeer> {
  const peer = await start('apache2', async (folder, port) => {
    const authorization = ['authn_core', 'authn_file', 'auth_basic', 'authz_core', 'authz_user'];
    const modules = ['mpm_event', ...authorization, 'proxy', 'proxy_connect'];
    await writeFile(join(folder, 'users'), `${user}:{SHA}${createHash('sha1').update(password).digest('base64')}\n`);
    await writeFile(
      join(folder, 'apache.conf'),
      `${apacheBasics(modules, folder, port)}
# A tunnel keeps a thread, and -X runs one process of 25 threads by default: 40 connections at once would wait.
ThreadLimit 128
ThreadsPerChild 128
ProxyRequests On
AllowCONNECT 1024-65535
<Proxy "*">
  AuthType Basic
  AuthName proxy
  AuthBasicProvider file
  AuthUserFile ${folder}/users
  Require valid-user
</Proxy>
`,
    );
    return ['-X', '-f', join(folder, 'apache.conf')];
  });
  const stop = (): Promise<void> => {
    // In the foreground, it would wait for its tunnels.
    peer.signal('SIGKILL');
    return peer.stop();
  };
  return { ...peer, stop };
}

/** A SOCKS5 proxy. */
export function startMicrosocks(user: string, password: string): Promise<RealPeer> {
  return start('microsocks', (_folder, port) =>
    Promise.resolve(['-i', '127.0.0.1', '-p', String(port), '-u', user, '-P', password]),
  );
}
