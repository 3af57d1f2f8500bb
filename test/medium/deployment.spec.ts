import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.js';
import { ROLES } from '../../src/role.js';
import { SETTINGS } from '../../src/settings.js';
import { findBinary } from '../harness/programs.js';
import { freePort, takesConnections } from '../harness/servers.js';
import { testCertificate as cert, testKey as key } from './http2/test-certificate.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CI = process.env['CI'] === 'true';

/** The parts of `docker-compose config` that these tests read; v1 and v2 agree on them. */
interface Service {
  build?: unknown;
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  stop_grace_period?: string;
  cap_drop?: string[];
  security_opt?: string[];
  read_only?: boolean;
  mem_limit?: string | number;
  volumes?: (string | { source: string })[];
  ports?: (string | { host_ip: string; published: string; target: number })[];
}

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** Debian's programs first: docker-compose v1 needs a python3 with YAML. No other variables of our environment. */
const ENVIRONMENT = { PATH: `/usr/bin:/bin:${process.env['PATH'] ?? ''}`, HOME: tmpdir() };

function run(command: string, args: string[], input?: string) {
  return spawnSync(command, args, { cwd: ROOT, env: ENVIRONMENT, input, encoding: 'utf8' });
}

const tools = [{ command: 'docker-compose' }, { command: 'docker compose' }].flatMap(({ command }) => {
  const [program = '', ...prefix] = command.split(' ');
  const { status, stdout } = run(program, [...prefix, 'version', '--short']);
  return status === 0 ? [{ command, program, prefix, isV1: stdout.startsWith('1.') }] : [];
});
type Tool = (typeof tools)[number];

/** Settings that docker-compose.yml does not pass on from .env, with the reason. */
const NOT_IN_COMPOSE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['NODE_ENV', 'DATA_DIR', 'PORT', 'HOST', 'ROLES', 'METRICS_PORT'].map((name) => [
      name,
      'the same in every container',
    ]),
  ),
  DATABASE_URL: 'made of POSTGRES_PASSWORD',
  QUEUE_URL: 'made of REDIS_PASSWORD',
  QUEUE_PREFIX: 'the Redis is of this installation alone',
  WORKERS: 'replicas',
  ADMIN_PORT: 'deploy/compose/admin-port.yml sets and publishes the port',
  API_PROCESSES: 'replicas',
  MASTER_KEY_COMMAND: 'the image has no program that asks a vault; MASTER_KEY is required',
  AUDIT_FILE: 'the file system is read-only: use AUDIT_SYSLOG_URL',
  ...Object.fromEntries(
    ['APNS_URL', 'APNS_SANDBOX_URL', 'FCM_URL', 'WNS_TOKEN_URL', 'WNS_ENTRA_URL', 'WNS_CHANNEL_HOST']
      .concat(['HMS_URL', 'HMS_TOKEN_URL', 'WEB_PUSH_ALLOW_PRIVATE', 'WEBHOOK_ALLOW_PRIVATE'])
      .map((name) => [name, 'for simulators']),
  ),
};

const SECRETS = new Map(
  [...read('.env.example').matchAll(/^(\w+)=$/gm)].map(([, name = '']) => [
    name,
    name === 'MASTER_KEY' ? randomBytes(32).toString('base64') : randomBytes(24).toString('hex'),
  ]),
);

it('the deployment in docs/operations.md is a production one and creates no clients with published secrets', () => {
  const lines = read('docs/operations.md').match(/^ {4}(export .*|ROLES=.*)$/gm) ?? [];
  const pairs = lines.flatMap((line) => [...line.matchAll(/(\w+)=(\$\([^)]*\)|\S+)/g)]);
  const given = Object.fromEntries(pairs.map(([, name, value]) => [name, value]));
  expect(Object.keys(given)).toEqual(expect.arrayContaining(['DATABASE_URL', 'QUEUE_URL', 'MASTER_KEY', 'ROLES']));
  const key = { MASTER_KEY: randomBytes(32).toString('base64') };
  expect(readConfig({ ...given, ...key })).toMatchObject({ environment: 'production', hasSamples: false });
});

it.skipIf(tools.length === 0 && !CI)('a docker-compose program is installed', () => {
  expect(tools).not.toEqual([]);
});

describe.each(tools)('docker-compose.yml under $command', (tool) => {
  let folder: string;
  let services: Record<string, Service>;
  const ours = (): [string, Service][] => Object.entries(services).filter(([, service]) => service.build);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'carillon-compose-'));
    services = await config(tool, folder, SECRETS);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([...SECRETS.keys()])('requires %s', async (missing) => {
    const rest = new Map([...SECRETS].filter(([name]) => name !== missing));
    await expect(config(tool, folder, rest)).rejects.toThrow(`${missing} is missing, see .env.example`);
  });

  it('has no version line, which v2 warns about', () => {
    expect(read('docker-compose.yml')).not.toMatch(/^version:/m);
  });

  it('publishes ports on the loopback address only', () => {
    const published = [...read('docker-compose.yml').matchAll(/^ {4}ports:\n((?: {6}- .*\n)+)/gm)].map(
      ([, list]) => list,
    );
    expect(published[0]).toBe("      - '127.0.0.1:${API_PORTS:-9080}:9080'\n");
    for (const list of published) expect(list).toMatch(/^ {6}- '127\.0\.0\.1:[^\n]+\n$/);
  });

  it('publishes a port of administration with its file, and changes no other setting', async () => {
    const ports = (of: Record<string, Service>): string[] =>
      (of['api']!.ports ?? []).map((port) =>
        typeof port === 'string' ? port.replace('/tcp', '') : `${port.host_ip}:${port.published}:${port.target}`,
      );
    expect(ports(services)).toEqual(['127.0.0.1:9080:9080']);
    expect(services['api']!.environment).not.toHaveProperty('ADMIN_PORT');
    const file = 'deploy/compose/admin-port.yml';
    expect(read('.env.example')).toContain(`#COMPOSE_FILE=docker-compose.yml:${file}\n`);
    const { api } = await config(tool, folder, SECRETS, [file]);
    expect(ports({ api: api! }).toSorted()).toEqual(['127.0.0.1:9080:9080', '127.0.0.1:9443:9443']);
    const { ADMIN_PORT, ...environment } = api!.environment!;
    const { adminPort } = readConfig({ ...imageEnvironment(), ...environment, ADMIN_PORT });
    expect(adminPort).toBe(9443);
    expect(environment).toEqual(services['api']!.environment);
  });

  it('confines every service and bounds its memory', () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        read_only: true,
      });
      expect(service.mem_limit, name).toBeDefined();
    }
  });

  it('mounts files that exist', () => {
    const mounted = [...read('docker-compose.yml').matchAll(/^ {6}- \.\/([^:]+):/gm)].map(([, path]) => path ?? '');
    expect(mounted).toContain('deploy/prometheus/prometheus.yml');
    expect(mounted.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('runs each role once, from the same build', () => {
    const roles = ours().map(([, { environment }]) => environment?.['ROLES']);
    expect(roles.sort()).toEqual([...ROLES].sort());
    expect(new Set(ours().map(([, { build }]) => JSON.stringify(build))).size).toBe(1);
  });

  it('passes settings that exist and that a start in production accepts', () => {
    const known = SETTINGS.map(({ name }) => name);
    const image = imageEnvironment();
    expect(known).toEqual(expect.arrayContaining(Object.keys(image)));
    for (const [, { environment = {} }] of ours()) {
      expect(known).toEqual(expect.arrayContaining(Object.keys(environment)));
      const { environment: mode, databaseUrl = '', queueUrl = '' } = readConfig({ ...image, ...environment });
      expect(mode).toBe('production');
      expect(Object.keys(services)).toContain(new URL(databaseUrl).hostname);
      expect(Object.keys(services)).toContain(new URL(queueUrl).hostname);
    }
  });

  it('passes on the optional settings of .env.example', async () => {
    const besides = new Map(
      [...read('.env.example').matchAll(/^#(\w+)=(.+)$/gm)]
        .map(([, name = '', to = '']) => [name, to] as const)
        .filter(([name]) => SETTINGS.some((setting) => setting.name === name)),
    );
    expect([...besides.keys()]).toContain('TRUST_PROXY');
    const set = await config(tool, folder, new Map([...SECRETS, ...besides]));
    for (const { environment = {} } of Object.values(set).filter(({ build }) => build))
      expect(environment).toMatchObject(Object.fromEntries(besides));
  });

  it('passes on every setting that the file does not fix itself', () => {
    const passed = [...read('docker-compose.yml').matchAll(/^ +(\w+): \$\{\1[:}]/gm)].map(([, name]) => name);
    const others = SETTINGS.map(({ name }) => name).filter((name) => !passed.includes(name));
    expect(others.toSorted()).toEqual(Object.keys(NOT_IN_COMPOSE).toSorted());
  });

  it.each([
    ['a-b_c.d~e!', null],
    ['a/b@c#d%e+f=$g?&:', 'has a # that is not encoded: in a user name or password write %23'],
    ['Zb9+/0Q7xVt4Lw==', 'has a / that is not encoded: in a user name or password write %2F'],
  ])('a password with signs, %s, is passed on whole, or refused with the cure', async (password, refusal) => {
    const both = ['POSTGRES_PASSWORD', 'REDIS_PASSWORD'].map((name): [string, string] => [name, password]);
    const { environment = {} } = (await config(tool, folder, new Map([...SECRETS, ...both])))['api']!;
    const start = () => readConfig({ ...imageEnvironment(), ...environment });
    if (refusal) return expect(start).toThrow(`Settings: DATABASE_URL ${refusal}; QUEUE_URL ${refusal}`);
    const { databaseUrl = '', queueUrl = '' } = start();
    for (const url of [databaseUrl, queueUrl]) expect(new URL(url).password).toBe(password);
  });

  it('starts a role when its stores are healthy, and checks the health of every service', () => {
    for (const [, { depends_on: stores }] of ours())
      expect(stores).toMatchObject({
        postgres: { condition: 'service_healthy' },
        redis: { condition: 'service_healthy' },
      });
    for (const [name, { healthcheck }] of Object.entries(services))
      expect(healthcheck?.test[0], name).toMatch(/^CMD(-SHELL)?$/);
  });

  it('allows a drain of SHUTDOWN_TIMEOUT’s default of 20 seconds to end', () => {
    for (const [, { stop_grace_period: grace }] of ours())
      expect(Number(/^(\d+)s$/.exec(grace ?? '')?.[1])).toBeGreaterThan(20);
  });

  it.skipIf(findBinary('redis-server') === null)(
    'runs a Redis with a password, without eviction, with persistence, that a signal ends',
    async () => {
      const [shell = '', ...args] = services['redis']?.command?.map((word) => word.replaceAll('$$', '$')) ?? [];
      const port = String(await freePort());
      const data = await mkdtemp(join(folder, 'redis-'));
      const line = args.at(-1)!.replace('redis-server -', `redis-server - --port ${port} --dir ${data}`);
      const env = { ...ENVIRONMENT, REDISCLI_AUTH: 'secret' };
      const redis = spawn(shell, [...args.slice(0, -1), line], { env, stdio: ['ignore', 'pipe', 'ignore'] });
      await expect.poll(() => takesConnections(Number(port)), { timeout: 10_000 }).toBe(true);
      const ask = (password: string, ...words: string[]): string =>
        spawnSync('redis-cli', ['-p', port, ...words], {
          env: { ...ENVIRONMENT, ...(password && { REDISCLI_AUTH: password }) },
          encoding: 'utf8',
        }).stdout.trim();
      expect(ask('', 'ping')).toMatch(/^NOAUTH/);
      expect(ask('secret', 'ping')).toBe('PONG');
      expect(ask('secret', 'config', 'get', 'maxmemory-policy')).toContain('noeviction');
      expect(ask('secret', 'config', 'get', 'appendonly')).toContain('yes');
      redis.kill('SIGTERM');
      expect(await once(redis, 'exit')).toEqual([0, null]);
    },
  );

  it('checks health like the image', async () => {
    for (const [name, { healthcheck }] of ours()) await expectHealth(name, healthcheck?.test.slice(1) ?? []);
  });
});

describe('Dockerfile', () => {
  const command = (): string[] => JSON.parse(instructions('CMD')[0] ?? '[]') as string[];

  it('runs the command of npm start', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(command().join(' ')).toBe(scripts['start']);
    expect(instructions('RUN')).toContain('npm run build');
  });

  it('copies enough for a build, and .dockerignore excludes none of it', async () => {
    const ignored = read('.dockerignore').split('\n');
    expect(ignored).toContain('*');
    const copied = instructions('COPY').filter((rest) => !rest.startsWith('--from='));
    const sources = new Set(copied.flatMap((rest) => rest.split(' ').slice(0, -1)));
    const app = await mkdtemp(join(tmpdir(), 'carillon-image-'));
    try {
      for (const source of sources) {
        expect(ignored).toContain(`!${source}`);
        await cp(join(ROOT, source), join(app, source), { recursive: true });
      }
      await symlink(join(ROOT, 'node_modules'), join(app, 'node_modules'));
      const build = spawnSync('npm', ['run', 'build'], { cwd: app, encoding: 'utf8' });
      expect(build.status, build.stdout + build.stderr).toBe(0);
      expect(existsSync(join(app, command().at(-1) ?? ''))).toBe(true);
    } finally {
      await rm(app, { recursive: true, force: true });
    }
  }, 240_000);

  it('does not run as root', () => {
    // The user `node` of the image.
    expect(instructions('USER')).toEqual(['1000']);
  });

  it.each(['http', 'https'] as const)('distinguishes ready, not ready and unreachable by %s', async (scheme) => {
    const check = /CMD (\[.*\])$/.exec(instructions('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]';
    await expectHealth('image', JSON.parse(check) as string[], scheme);
  });
});

/** The output of the compose tool for the file with these variables in its .env. Rejects with the tool's error. */
async function config(
  tool: Tool,
  folder: string,
  variables: Map<string, string>,
  besides: readonly string[] = [],
): Promise<Record<string, Service>> {
  const file = join(folder, `${variables.size}.env`);
  await writeFile(file, [...variables].map(([name, value]) => `${name}=${value}\n`).join(''));
  const files = ['docker-compose.yml', ...besides].flatMap((name) => ['--file', name]);
  const args = [...files, '--env-file', file, 'config'];
  const { status, stdout, stderr } = run(tool.program, [
    ...tool.prefix,
    ...args,
    ...(tool.isV1 ? [] : ['--format', 'json']),
  ]);
  // A warning (an obsolete line, an unset variable) counts as an error.
  if (status !== 0 || stderr !== '') throw new Error(`${tool.command} exited ${status}: ${stderr}`);
  const json = tool.isV1
    ? run('python3', ['-c', 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'], stdout).stdout
    : stdout;
  return (JSON.parse(json) as { services: Record<string, Service> }).services;
}

/** The arguments of each occurrence of an instruction in the Dockerfile, with continued lines joined. */
function instructions(name: string): string[] {
  const lines = read('Dockerfile')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
}

function imageEnvironment(): Record<string, string> {
  return Object.fromEntries(
    instructions('ENV').flatMap((rest) => rest.split(' ').map((pair) => pair.split('=') as [string, string])),
  );
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Runs a health check against 200, 503 and a closed port. Docker reads the exit codes 0, 1 and 1. */
async function expectHealth(
  name: string,
  [program, ...args]: string[],
  scheme: 'http' | 'https' = 'http',
): Promise<void> {
  expect(program).toBe('node');
  let status = 200;
  const answer = (request: IncomingMessage, response: ServerResponse): void =>
    void response.writeHead(request.url === '/health/ready' ? status : 404).end('{}');
  const server = scheme === 'http' ? createServer(answer) : createTlsServer({ cert, key }, answer);
  server.listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const exitCode = async (): Promise<unknown> => {
    const env = { ...ENVIRONMENT, PORT: String(port), TLS_CERT_FILE: scheme === 'https' ? 'server.crt' : '' };
    const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
    return (await once(child, 'exit'))[0];
  };
  expect(await exitCode(), `${name}: 200`).toBe(0);
  status = 503;
  expect(await exitCode(), `${name}: 503`).toBe(1);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await exitCode(), `${name}: nothing there`).toBe(1);
}

describe('deploy/systemd/carillon@.service', () => {
  const unit = read('deploy/systemd/carillon@.service');
  const values = (name: string): string[] =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

  it('names settings that exist, and runs the command of npm start', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(values('ExecStart')).toEqual([`/usr/bin/${scripts['start']}`]);
    const names = values('Environment').flatMap((line) => line.split(' ').map((pair) => pair.split('=')[0]!));
    const known = [...SETTINGS.map(({ name }) => name), 'TMPDIR'];
    expect(names).toContain('ROLES');
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('allows a drain to end, ends the program before its database, and lets Node compile', () => {
    const { shutdownDelayMs, shutdownTimeoutMs } = readConfig({});
    expect(Number(values('TimeoutStopSec')[0]) * 1_000).toBeGreaterThan(shutdownDelayMs + shutdownTimeoutMs + 10_000);
    expect(values('Type')).toEqual(['exec']);
    expect(values('ReadWritePaths').concat(values('StateDirectory'))).toEqual(['carillon']);
    expect(values('KillMode')).toEqual(['mixed']);
    expect(values('MemoryDenyWriteExecute')).toEqual([]);
    expect(values('Restart')).toEqual(['always']);
  });

  it.skipIf(findBinary('systemd-analyze') === null)('is a unit that systemd takes, and that is confined', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'carillon-unit-'));
    try {
      const file = join(folder, 'carillon@api.service');
      await writeFile(file, unit.replace('/usr/bin/node', process.execPath));
      const verified = run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', file]);
      expect([verified.status, verified.stdout + verified.stderr]).toEqual([0, '']);
      const { stdout } = run('systemd-analyze', ['security', '--offline=true', '--no-pager', file]);
      expect(Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2.5);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
