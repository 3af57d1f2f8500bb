import { createHash } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from './config.js';
import { SETTINGS } from './settings.js';

const folder = mkdtempSync(join(tmpdir(), 'carillon-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const KEY = createHash('sha256').update('a key for these tests').digest();
/** The settings that production requires, so that each case is about one setting. */
const PRODUCTION = { NODE_ENV: 'production', MASTER_KEY: KEY.toString('base64') };

function problemsOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('defaults', () => {
  it('nothing set: all roles in one process on the embedded database', () => {
    expect(readConfig({})).toEqual({
      environment: 'development',
      hasSamples: true,
      logLevel: 'info',
      host: '127.0.0.1',
      port: 9080,
      adminPort: null,
      roles: new Set(['api', 'worker', 'scheduler']),
      processes: { workers: null, apis: 1 },
      databaseUrl: undefined,
      queueUrl: undefined,
      queuePrefix: 'bull',
      dataDir: '.data',
      masterKey: undefined,
      adminClient: undefined,
      runtimeName: 'mfp',
      invalidClientStatus: 400,
      trustedProxies: [],
      http: {
        requestTimeoutMs: 30_000,
        headersTimeoutMs: 15_000,
        keepAliveTimeoutMs: 650_000,
        maxConnections: 10_000,
        maxBodyBytes: 67_108_864,
      },
      docs: true,
      console: true,
      environmentName: 'development',
      publicUrl: 'http://localhost:9080',
      apns: { productionUrl: 'https://api.push.apple.com', sandboxUrl: 'https://api.sandbox.push.apple.com' },
      fcm: {
        url: 'https://fcm.googleapis.com',
        tokenHosts: ['oauth2.googleapis.com', 'accounts.google.com', 'www.googleapis.com'],
      },
      wns: {
        tokenUrl: 'https://login.live.com/accesstoken.srf',
        entraUrl: 'https://login.microsoftonline.com',
        channelHost: '*.notify.windows.com',
      },
      hms: {
        url: 'https://push-api.cloud.huawei.com',
        tokenUrl: 'https://oauth-login.cloud.huawei.com/oauth2/v3/token',
      },
      webPush: { allowPrivate: false, hosts: [] },
      upstream: { hosts: [] },
      webhooks: { allowPrivate: false },
      providerCa: undefined,
      batchesAtOnce: 8,
      shutdownDelayMs: 0,
      shutdownTimeoutMs: 20_000,
      limits: {
        client: { requestsPerSecond: 50_000, concurrentRequests: 2_000 },
        application: { requestsPerSecond: 100_000, concurrentRequests: 4_000 },
      },
      quotas: { campaigns: 100_000, tags: 100_000, scheduledMessages: 1_000_000, devices: 100_000_000 },
      metrics: { port: null, applications: 100 },
      retention: {
        messageDays: 30,
        deviceUnseenDays: 270,
        deviceRetiredDays: 90,
        webhookEventDays: 7,
        atMostPercent: 20,
      },
      audit: { retentionDays: 0 },
      unknownNames: [],
    });
  });

  it('a blank value counts as not set', () => {
    const blank = SETTINGS.filter(({ name }) => name !== 'NODE_ENV').map(({ name }) => [name, '  ']);
    expect(readConfig(Object.fromEntries(blank) as NodeJS.ProcessEnv)).toEqual(readConfig({}));
  });

  it('variables of other programs are ignored', () => {
    expect(problemsOf({ PATH: '/bin', NODE_OPTIONS: '', npm_config_x: '1', LANG: 'C', HOME: '/', POST: '1' })).toEqual(
      [],
    );
  });
});

it('reads every setting', () => {
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, 'PEM');
  expect(
    readConfig({
      ...PRODUCTION,
      HOST: '127.0.0.1',
      PORT: '0',
      ADMIN_PORT: '9443',
      ROLES: ' worker , api',
      WORKERS: '3',
      API_PROCESSES: '2',
      DATABASE_URL: 'postgresql://db/carillon',
      QUEUE_URL: 'rediss://queue:6380/2',
      QUEUE_PREFIX: 'bank',
      DATA_DIR: 'elsewhere',
      ADMIN_CLIENT_ID: 'ops',
      ADMIN_CLIENT_SECRET: 'p:ss words of 17',
      RUNTIME_NAME: 'bank_1',
      INVALID_CLIENT_STATUS: '401',
      TRUST_PROXY: '10.0.0.0/8, ::1',
      CLIENT_CERTIFICATE_HEADER: 'X-Client-Cert',
      APNS_URL: 'https://a.example',
      APNS_SANDBOX_URL: 'https://s.example',
      FCM_URL: 'https://f.example',
      WNS_TOKEN_URL: 'https://w.example/token',
      WNS_ENTRA_URL: 'https://e.example',
      WNS_CHANNEL_HOST: '*.c.example:8443',
      FCM_TOKEN_HOSTS: 't.example',
      WEB_PUSH_HOSTS: '*.push.example',
      UPSTREAM_HOSTS: ' MF.internal:9080, [fd00::1],10.1.2.3 ',
      HMS_URL: 'https://h.example',
      HMS_TOKEN_URL: 'https://o.example/token',
      PROVIDER_CA_FILE: caFile,
      WORKER_BATCHES: '256',
      HTTP_REQUEST_TIMEOUT: '1',
      HTTP_HEADERS_TIMEOUT: '2',
      HTTP_KEEP_ALIVE_TIMEOUT: '3',
      HTTP_MAX_CONNECTIONS: '4',
      HTTP_MAX_BODY_BYTES: '8388608',
      DOCS: 'off',
      CONSOLE: 'off',
      ENVIRONMENT_NAME: 'Staging',
      PUBLIC_URL: 'https://push.example',
      SHUTDOWN_DELAY: '15',
      SHUTDOWN_TIMEOUT: '45',
      LOG_LEVEL: 'debug',
      LIMIT_CLIENT_RATE: '1',
      LIMIT_CLIENT_CONCURRENT: '2',
      LIMIT_APPLICATION_RATE: '3',
      LIMIT_APPLICATION_CONCURRENT: '4',
      QUOTA_CAMPAIGNS: '5',
      QUOTA_TAGS: '6',
      QUOTA_SCHEDULED_MESSAGES: '7',
      QUOTA_DEVICES: '8',
      METRICS_PORT: '9464',
      METRICS_APPLICATIONS: '20',
      RETENTION_DAYS: '0',
      DEVICE_UNSEEN_DAYS: '1',
      DEVICE_RETIRED_DAYS: '36500',
      WEBHOOK_EVENT_DAYS: '0',
      REMOVE_AT_MOST_PERCENT: '100',
      AUDIT_SYSLOG_URL: 'tls://[fd00::1]:6515',
      AUDIT_RETENTION_DAYS: '400',
      APNS_TOPIC: 'x',
    }),
  ).toEqual({
    environment: 'production',
    hasSamples: false,
    logLevel: 'debug',
    host: '127.0.0.1',
    port: 0,
    adminPort: 9_443,
    roles: new Set(['worker', 'api']),
    processes: { workers: 3, apis: 2 },
    databaseUrl: 'postgresql://db/carillon',
    queueUrl: 'rediss://queue:6380/2',
    queuePrefix: 'bank',
    dataDir: 'elsewhere',
    masterKey: KEY,
    adminClient: { id: 'ops', secret: 'p:ss words of 17' },
    runtimeName: 'bank_1',
    invalidClientStatus: 401,
    clientCertificateHeader: 'x-client-cert',
    trustedProxies: ['10.0.0.0/8', '::1'],
    http: {
      requestTimeoutMs: 1_000,
      headersTimeoutMs: 2_000,
      keepAliveTimeoutMs: 3_000,
      maxConnections: 4,
      maxBodyBytes: 8_388_608,
    },
    docs: false,
    console: false,
    environmentName: 'Staging',
    publicUrl: 'https://push.example',
    apns: { productionUrl: 'https://a.example', sandboxUrl: 'https://s.example' },
    fcm: { url: 'https://f.example', tokenHosts: ['t.example'] },
    wns: { tokenUrl: 'https://w.example/token', entraUrl: 'https://e.example', channelHost: '*.c.example:8443' },
    hms: { url: 'https://h.example', tokenUrl: 'https://o.example/token' },
    webPush: { allowPrivate: false, hosts: ['*.push.example'] },
    upstream: { hosts: ['mf.internal:9080', '[fd00::1]', '10.1.2.3'] },
    webhooks: { allowPrivate: false },
    providerCa: [...rootCertificates, 'PEM'].join('\n'),
    batchesAtOnce: 256,
    shutdownDelayMs: 15_000,
    shutdownTimeoutMs: 45_000,
    limits: {
      client: { requestsPerSecond: 1, concurrentRequests: 2 },
      application: { requestsPerSecond: 3, concurrentRequests: 4 },
    },
    quotas: { campaigns: 5, tags: 6, scheduledMessages: 7, devices: 8 },
    metrics: { port: 9_464, applications: 20 },
    retention: {
      messageDays: 0,
      deviceUnseenDays: 1,
      deviceRetiredDays: 36_500,
      webhookEventDays: 0,
      atMostPercent: 100,
    },
    audit: { syslog: { host: 'fd00::1', port: 6_515 }, retentionDays: 400 },
    unknownNames: ['APNS_TOPIC'],
  });
});

it('lets an operator allow private push endpoints in development', () => {
  expect(readConfig({ WEB_PUSH_ALLOW_PRIVATE: 'true' }).webPush).toEqual({ allowPrivate: true, hosts: [] });
  expect(readConfig({ WEBHOOK_ALLOW_PRIVATE: 'true' }).webhooks).toEqual({ allowPrivate: true });
});

it.each([
  [{}, '127.0.0.1'],
  [PRODUCTION, '0.0.0.0'],
  [{ HOST: '0.0.0.0' }, '0.0.0.0'],
  [{ HOST: '[::1]' }, '::1'],
  [{ HOST: '::' }, '::'],
  [{ HOST: 'localhost' }, 'localhost'],
  [{ HOST: 'push-1.example.com' }, 'push-1.example.com'],
])('HOST %j listens on %s', (environment, host) => {
  expect(readConfig(environment).host).toBe(host);
});

it.each([
  ['postgres://u:p@db.example/x', false],
  ['postgres://u:p@10.1.2.3/x', false],
  ['postgres://u:p@localhost/x', true],
  ['postgres://u:p@127.0.0.1/x', true],
  ['postgres://u:p@[::1]/x', true],
  ['postgres:///x?host=/run/postgresql', true],
  ['postgres:///x', true],
])('development clients with the database %s: %s', (url, hasSamples) => {
  const key = KEY.toString('base64url');
  expect(readConfig({ DATABASE_URL: url, MASTER_KEY: key }).hasSamples).toBe(hasSamples);
  expect(readConfig({ ...PRODUCTION, DATABASE_URL: url }).hasSamples).toBe(false);
});

it('NODE_ENV=test is development', () => {
  expect(readConfig({ NODE_ENV: 'test' }).environment).toBe('development');
});

const NEEDS_ALL_ROLES =
  'ROLES leaves a role to another process, which needs DATABASE_URL: the embedded database serves one process';
const NEEDS_SERVER = 'starts several processes, which need DATABASE_URL: the embedded database serves one process';
const ON_SERVER = { ...PRODUCTION, DATABASE_URL: 'postgres://db/x' };
const PREFIX = 'QUEUE_PREFIX must be 1 to 64 letters, digits, dots, dashes, underscores';
const NEEDS_KEY = 'MASTER_KEY is required with DATABASE_URL, so that every process can read the credentials';
const TOGETHER = 'ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET belong together: one of them is missing';
const ASCII =
  'ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET must be up to 255 characters of printable ASCII, the id without a colon';

const PEOPLE = {
  OIDC_ISSUER: 'https://idp.example/realms/acme',
  OIDC_CLIENT_ID: 'carillon',
  OIDC_CLIENT_SECRET: 'hush',
  OIDC_ROLES: 'push-admins:admin, marketing:author@com.acme.bank+com.acme.shop',
};
const ROLES_FORM =
  'OIDC_ROLES must be a list such as group:viewer,other:author@com.acme.bank; the roles are viewer, author, approver, operator, administrator';
const OIDC_NEEDS = 'OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET';
const SYSLOG_FORM = 'AUDIT_SYSLOG_URL must have the form tls://host:6514';
const OIDC_ALONE = 'OIDC_CLIENT_ID and OIDC_CLIENT_SECRET need OIDC_ISSUER';
const OIDC_HTTPS = 'OIDC_ISSUER must be an https:// URL without a query';

it('reads the identity provider of people, in development also a local one', () => {
  expect(readConfig(PEOPLE).people).toEqual({
    issuer: 'https://idp.example/realms/acme',
    clientId: 'carillon',
    clientSecret: 'hush',
    scope: 'openid email profile',
    rolesClaim: 'roles',
    roles: [
      { group: 'push-admins', role: 'administrator', applications: null },
      { group: 'marketing', role: 'author', applications: ['com.acme.bank', 'com.acme.shop'] },
    ],
  });
  expect(readConfig({ ...PEOPLE, OIDC_ISSUER: 'http://localhost:4000' }).people).toBeDefined();
});

describe('refusals', () => {
  it.each<[string, NodeJS.ProcessEnv, string[]]>([
    ['an unknown environment', { NODE_ENV: 'staging' }, ['NODE_ENV must be development, test or production']],
    ['a port that is no number', { PORT: 'http' }, ['PORT must be a number from 0 to 65535']],
    ['a port out of range', { PORT: '65536' }, ['PORT must be a number from 0 to 65535']],
    ['a negative port', { PORT: '-1' }, ['PORT must be a number from 0 to 65535']],
    ['half a port', { PORT: '80.5' }, ['PORT must be a number from 0 to 65535']],
    [
      'an unknown role',
      { ...PRODUCTION, DATABASE_URL: 'postgres://db/x', ROLES: 'api,cook' },
      ['ROLES must be a list of api, worker, scheduler'],
    ],
    ['syslog without TLS', { AUDIT_SYSLOG_URL: 'tcp://siem:514' }, [SYSLOG_FORM]],
    ['syslog with a path', { AUDIT_SYSLOG_URL: 'tls://siem/x' }, [SYSLOG_FORM]],
    [
      'two receivers of the audit',
      { AUDIT_SYSLOG_URL: 'tls://siem', AUDIT_FILE: 'audit' },
      ['AUDIT_SYSLOG_URL and AUDIT_FILE are both set: remove one of them'],
    ],
    ['a console that is neither on nor off', { CONSOLE: 'yes' }, ['CONSOLE must be on or off']],
    ['people without a role', { ...PEOPLE, OIDC_ROLES: '' }, [ROLES_FORM]],
    ['people with an unknown role', { ...PEOPLE, OIDC_ROLES: 'a:viewer,b:root' }, [ROLES_FORM]],
    ['people without a secret', { ...PEOPLE, OIDC_CLIENT_SECRET: '' }, [OIDC_NEEDS]],
    ['a client of people without an issuer', { ...PEOPLE, OIDC_ISSUER: '' }, [OIDC_ALONE]],
    ['an issuer by plain http', { ...PEOPLE, OIDC_ISSUER: 'http://idp.example' }, [OIDC_HTTPS]],
    ['a local issuer in production', { ...PRODUCTION, ...PEOPLE, OIDC_ISSUER: 'http://localhost:1' }, [OIDC_HTTPS]],
    ['part of the roles on the embedded database', { ROLES: 'api,worker' }, [NEEDS_ALL_ROLES]],
    ['workers on the embedded database', { WORKERS: 'auto' }, [`WORKERS ${NEEDS_SERVER}`]],
    ['api processes on the embedded database', { API_PROCESSES: '2' }, [`API_PROCESSES ${NEEDS_SERVER}`]],
    ['no workers', { ...ON_SERVER, WORKERS: '0' }, ['WORKERS must be auto, or a whole number from 1 to 256']],
    ['many workers', { ...ON_SERVER, WORKERS: 'many' }, ['WORKERS must be auto, or a whole number from 1 to 256']],
    ['no api process', { ...ON_SERVER, API_PROCESSES: '0' }, ['API_PROCESSES must be a whole number from 1 to 256']],
    [
      'workers without the role',
      { ...ON_SERVER, ROLES: 'api', WORKERS: '2' },
      ['WORKERS needs the role worker in ROLES'],
    ],
    [
      'api processes without the role',
      { ...ON_SERVER, ROLES: 'worker', API_PROCESSES: '2' },
      ['API_PROCESSES needs the role api in ROLES'],
    ],
    [
      'a database that is not PostgreSQL',
      { ...PRODUCTION, DATABASE_URL: 'mysql://db/x' },
      ['DATABASE_URL must be a postgres:// URL'],
    ],
    [
      'a database URL that is none',
      { ...PRODUCTION, DATABASE_URL: 'db:5432/x' },
      ['DATABASE_URL must be a postgres:// URL'],
    ],
    [
      'a standby of the embedded database',
      { DATABASE_READ_URL: 'postgres://db/x' },
      ['DATABASE_READ_URL needs DATABASE_URL: the embedded database has no standby'],
    ],
    [
      'a standby that is none',
      { ...PRODUCTION, DATABASE_URL: 'postgres://db/x', DATABASE_READ_URL: 'mysql://db/x' },
      ['DATABASE_READ_URL must be a postgres:// URL'],
    ],
    [
      'a queue that is not Redis',
      { QUEUE_URL: 'amqp://q' },
      ['QUEUE_URL must be a redis:// URL, or rediss:// over TLS, or either with +sentinel or +cluster'],
    ],
    ['a prefix with a colon', { QUEUE_PREFIX: 'a:b' }, [PREFIX]],
    ...['0x59f0', '1e3', '+80', '80.0'].map((port): [string, Record<string, string>, string[]] => [
      `the port ${port}`,
      { PORT: port },
      ['PORT must be a number from 0 to 65535'],
    ]),
    [
      'a number of another notation',
      { WORKER_BATCHES: '0x10' },
      ['WORKER_BATCHES must be a whole number from 1 to 256'],
    ],
    ['days of another notation', { RETENTION_DAYS: '3e1' }, ['RETENTION_DAYS must be a whole number from 0 to 36500']],
    [
      'an environment that is empty',
      { NODE_ENV: '' },
      ['NODE_ENV is empty: set it to production, or leave it out for development'],
    ],
    ...['127.0.0.1:9080', '[::1]:9080', 'fe80::1%eth0', 'a b', '"::1', 'http://localhost'].map(
      (host): [string, Record<string, string>, string[]] => [
        `the host ${host}`,
        { HOST: host },
        ['HOST must be an IP address or a name, without port, zone or quotes'],
      ],
    ),
    ...['"127.0.0.1"', "'localhost'"].map((host): [string, Record<string, string>, string[]] => [
      `the host ${host}`,
      { HOST: host },
      ['HOST is in quotes, which would be a part of its value: remove them'],
    ]),
    ...['0.0.0.0/0', '::/0', '10.0.0.1,0.0.0.0/1', 'f000::/4'].map(
      (proxy): [string, Record<string, string>, string[]] => [
        `the proxies ${proxy}`,
        { TRUST_PROXY: proxy },
        [
          'TRUST_PROXY must have no network wider than 10.0.0.0/8 or fc00::/7: every address of the network could set any caller address',
        ],
      ],
    ),
    ...[
      ['~/x', 'begins with ~'],
      ['/srv/"x"', 'contains quotes'],
      ['$HOME/x', 'contains a variable'],
      ['${HOME}/x', 'contains a variable'],
      ['%APPDATA%\\x', 'contains a variable'],
    ].map(([path = '', why]): [string, Record<string, string>, string[]] => [
      `the folder ${path}`,
      { DATA_DIR: path },
      [`DATA_DIR ${why}, which no shell resolves here: write the path itself`],
    ]),
    ...[
      ['a stray character', `${KEY.toString('base64')}!`],
      ['a line break', KEY.toString('base64').replace(/^(.{20})/, '$1\n')],
      ['itself behind it', KEY.toString('base64').repeat(2)],
      ['bits behind its end', KEY.toString('base64').replace(/.=$/, '/=')],
    ].map(([what, key]): [string, Record<string, string | undefined>, string[]] => [
      `a key with ${what}`,
      { MASTER_KEY: key },
      ['MASTER_KEY must be 32 bytes in base64'],
    ]),
    ['a short key', { MASTER_KEY: KEY.toString('base64').slice(4) }, ['MASTER_KEY must be 32 bytes in base64']],
    ['a key in hex', { MASTER_KEY: KEY.toString('hex') }, ['MASTER_KEY must be 32 bytes in base64']],
    ['no key in production', { NODE_ENV: 'production' }, ['MASTER_KEY is required in production']],
    ...[
      Buffer.alloc(32),
      Buffer.alloc(32, 7),
      Buffer.from([...Array(32).keys()]),
      Buffer.from('secret'.repeat(6)).subarray(0, 32),
    ].map((key): [string, Record<string, string>, string[]] => [
      `the key ${key.toString('hex')}`,
      { MASTER_KEY: key.toString('base64') },
      ['MASTER_KEY must be random: make one with openssl rand -base64 32'],
    ]),
    ...['test', 'nimda', 'hsup', 'fifteen letters', 'x'.repeat(16), 'testtesttesttest', 'changemechangeme'].map(
      (secret): [string, Record<string, string>, string[]] => [
        `the administrator's first secret ${secret} in production`,
        { ...PRODUCTION, ADMIN_CLIENT_ID: 'test', ADMIN_CLIENT_SECRET: secret },
        ['ADMIN_CLIENT_SECRET must have at least 16 characters in production, and not be a word repeated'],
      ],
    ),
    ['no key beside a shared database', { DATABASE_URL: 'postgres://db/x' }, [NEEDS_KEY]],
    ['an admin id alone', { ADMIN_CLIENT_ID: 'ops' }, [TOGETHER]],
    ['an admin secret alone', { ADMIN_CLIENT_SECRET: 'x' }, [TOGETHER]],
    ['an admin id with a colon', { ADMIN_CLIENT_ID: 'a:b', ADMIN_CLIENT_SECRET: 'x' }, [ASCII]],
    [
      'a runtime name with a slash',
      { RUNTIME_NAME: 'a/b' },
      ['RUNTIME_NAME must be 1 to 64 letters, digits, dashes, underscores'],
    ],
    ['another status', { INVALID_CLIENT_STATUS: '403' }, ['INVALID_CLIENT_STATUS must be 400 or 401']],
    ...['proxy.local', '10.0.0.0/33', '10.0.0.0/', '10.0.0.1/8/9'].map(
      (proxy): [string, Record<string, string>, string[]] => [
        `the proxy ${proxy}`,
        { TRUST_PROXY: proxy },
        ['TRUST_PROXY must be a list of IP addresses and networks'],
      ],
    ),
    ['an admin secret outside ASCII', { ADMIN_CLIENT_ID: 'a', ADMIN_CLIENT_SECRET: 'é' }, [ASCII]],
    ['an APNs URL that is none', { APNS_URL: 'apple' }, ['APNS_URL must be an https:// URL']],
    [
      'private push endpoints that are neither allowed nor refused',
      { WEB_PUSH_ALLOW_PRIVATE: 'yes' },
      ['WEB_PUSH_ALLOW_PRIVATE must be true or false'],
    ],
    [
      'private push endpoints in production',
      { ...PRODUCTION, WEB_PUSH_ALLOW_PRIVATE: 'true', WEBHOOK_ALLOW_PRIVATE: 'true' },
      ['WEB_PUSH_ALLOW_PRIVATE must not be true in production', 'WEBHOOK_ALLOW_PRIVATE must not be true in production'],
    ],
    ...['https://push.example', 'push.example/path', '*'].map((host): [string, Record<string, string>, string[]] => [
      `the host ${host}`,
      { UPSTREAM_HOSTS: `a.example,${host}` },
      ['UPSTREAM_HOSTS must be a list of hosts such as name, name:8443 or *.name, without https://'],
    ]),
    ['an FCM URL of another scheme', { FCM_URL: 'ftp://f' }, ['FCM_URL must be an https:// URL']],
    [
      'a provider in clear text in production',
      { ...PRODUCTION, APNS_SANDBOX_URL: 'http://s' },
      ['APNS_SANDBOX_URL must be an https:// URL'],
    ],
    ['a missing CA file', { PROVIDER_CA_FILE: join(folder, 'none') }, ['PROVIDER_CA_FILE cannot be read']],
    [
      'a proxy with signs that are not encoded',
      { HTTPS_PROXY: 'http://push:p@ss:w/rd@proxy.example:3128' },
      [
        'HTTPS_PROXY must be http://host:port, https://host:port or socks5://host:port; in user and password write / as %2F, : as %3A, @ as %40, % as %25',
      ],
    ],
    [
      'an exemption that is a URL',
      { NO_PROXY: 'https://inner.example' },
      ['NO_PROXY must be a list of names such as name, .name or name:8443, addresses, networks, or *'],
    ],
    ['no batches at all', { WORKER_BATCHES: '0' }, ['WORKER_BATCHES must be a whole number from 1 to 256']],
    ['half a day', { RETENTION_DAYS: '0.5' }, ['RETENTION_DAYS must be a whole number from 0 to 36500']],
    ['days before today', { DEVICE_UNSEEN_DAYS: '-1' }, ['DEVICE_UNSEEN_DAYS must be a whole number from 0 to 36500']],
    ['no time to stop', { SHUTDOWN_TIMEOUT: '0' }, ['SHUTDOWN_TIMEOUT must be a whole number from 1 to 3600']],
    ['too many batches', { WORKER_BATCHES: '257' }, ['WORKER_BATCHES must be a whole number from 1 to 256']],
    ['a misspelt name', { DATABSE_URL: 'x' }, ['DATABSE_URL is not a setting; did you mean DATABASE_URL?']],
    ['a letter too many', { ROLESS: 'x' }, ['ROLESS is not a setting; did you mean ROLES?']],
    ['a letter too few', { MASTR_KEY: 'x' }, ['MASTR_KEY is not a setting; did you mean MASTER_KEY?']],
  ])('%s', (_what, environment, problems) => {
    expect(problemsOf(environment)).toEqual(problems);
  });

  it('PROVIDER_PROXY goes before HTTPS_PROXY, which other programs read as well', () => {
    const both = {
      PROVIDER_PROXY: 'socks5://a.example',
      HTTPS_PROXY: 'http://b.example:3128',
      NO_PROXY: '.SVC, 10.0.0.0/8',
    };
    expect(readConfig(both).proxy).toMatchObject({ host: 'a.example', port: 1080, direct: ['.svc', '10.0.0.0/8'] });
    expect(readConfig({ HTTPS_PROXY: both.HTTPS_PROXY }).proxy).toMatchObject({ host: 'b.example', port: 3128 });
  });

  it('all problems are reported at once, each once', () => {
    const problems = problemsOf({ PORT: 'x', ROLES: 'cook,waiter', WORKER_BATCHES: 'many', FCM_UR: 'x' });
    expect(problems).toEqual([
      'FCM_UR is not a setting; did you mean FCM_URL?',
      'PORT must be a number from 0 to 65535',
      'ROLES must be a list of api, worker, scheduler',
      NEEDS_ALL_ROLES,
      'WORKER_BATCHES must be a whole number from 1 to 256',
    ]);
  });

  it('variables with which Kubernetes announces services are ignored', () => {
    const neighbours = {
      QUEUE_SERVICE_HOST: '10.0.0.1',
      QUEUE_PORT: 'tcp://10.0.0.1:6379',
      DATABASE_PORT_5432_TCP: 'x',
    };
    expect(readConfig(neighbours).queueUrl).toBeUndefined();
  });

  it('in development a provider URL may be http', () => {
    expect(readConfig({ APNS_URL: 'http://localhost:1' }).apns.productionUrl).toBe('http://localhost:1');
  });

  it('no value ever appears in the message', () => {
    const secret = 'hunter2-é:';
    // NODE_ENV decides which rules apply, so every other setting is wrong for each of its values.
    for (const nodeEnvironment of ['production', 'development', secret]) {
      const environment = Object.fromEntries(SETTINGS.map(({ name }) => [name, `${secret}${name}`]));
      const wrong = { ...environment, APNS_TOPIC: secret, MASTR_KEY: secret, NODE_ENV: nodeEnvironment };
      expect(() => readConfig(wrong)).toThrow(ConfigError);
      expect(() => readConfig(wrong)).not.toThrow(/hunter2/);
    }
  });
});
