import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { findStores, readDatabaseUrl } from './server-url.js';
import type { Stores } from './server-url.js';
import { isHostPattern } from './common/host-list.js';
import { isPatterned, readMasterKey } from './common/master-key.js';
import { isNetwork, isThisMachine, isUrl, isWiderThanPrivate, readHost, readWhole } from './setting-values.js';
import { SETTINGS } from './settings.js';
import { findUnknown } from './unknown-settings.js';

/** The only reader of the environment: validates every setting once at start. settings.ts has the defaults. */

export const ROLES = ['api', 'worker', 'scheduler'] as const;
export type Role = (typeof ROLES)[number];

export interface Config {
  environment: 'development' | 'production';
  /** Whether development clients and the sample application are created: never in a database on another machine. */
  hasSamples: boolean;
  host: string;
  port: number;
  roles: ReadonlySet<Role>;
  /** Absent: the embedded database under `dataDir`. */
  databaseUrl?: string;
  /** Absent: the queue is in the database. */
  queueUrl?: string;
  /** First part of the queue's keys in Redis. */
  queuePrefix: string;
  dataDir: string;
  /** 32 bytes; absent in development, where a key is made in `dataDir`. */
  masterKey?: Buffer;
  adminClient?: { id: string; secret: string };
  /** First part of the az endpoints' path. */
  runtimeName: string;
  /** Answer to a wrong client id or secret. */
  invalidClientStatus: 400 | 401;
  /** Addresses and networks of reverse proxies whose X-Forwarded-For is trusted. */
  trustedProxies: string[];
  /** Limits of all connections and bodies together. */
  http: {
    requestTimeoutMs: number;
    headersTimeoutMs: number;
    keepAliveTimeoutMs: number;
    maxConnections: number;
    maxBodyBytes: number;
  };
  apns: { productionUrl: string; sandboxUrl: string };
  /** `tokenHosts`: hosts allowed in a service account's `token_uri`. */
  fcm: { url: string; tokenHosts: string[] };
  wns: { tokenUrl: string; entraUrl: string; channelHost: string };
  hms: { url: string; tokenUrl: string };
  /** Hosts of push services; empty: any public one. */
  webPush: { allowPrivate: boolean; hosts: string[] };
  /** Empty: any in development, any public one over TLS in production. */
  upstream: { hosts: string[] };
  webhooks: { allowPrivate: boolean };
  /** PEM text of an additional authority for provider connections. */
  providerCa?: string;
  batchesAtOnce: number;
  /** Whether the API document is served. */
  docs: boolean;
  /** Time between "not ready" and the end of listening. */
  shutdownDelayMs: number;
  /** How long a stop waits for answers to sent requests. */
  shutdownTimeoutMs: number;
  limits: Limits;
  quotas: Record<Quota, number>;
  /** In days; 0: never. */
  retention: { messageDays: number; deviceUnseenDays: number; deviceRetiredDays: number; atMostPercent: number };
  /** Names of variables that look like settings but are not. */
  unknownNames: string[];
}

/** The quotas of an application. */
export type Quota = 'campaigns' | 'tags' | 'scheduledMessages' | 'devices';

/** Request limits per client and per application. */
export interface Limits {
  client: Limit;
  application: Limit;
}
export interface Limit {
  requestsPerSecond: number;
  concurrentRequests: number;
}

/** Servers that receive messages or credentials. */
const PROVIDER_URL = /^(APNS|FCM|WNS|HMS)_.*URL$/;

/** Contains all problems at once; names settings and rules, never values: a malformed secret must not reach a log. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Settings: ${problems.join('; ')}`);
    this.name = 'ConfigError';
  }
}

export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const value = settingsOf(environment, problems);
  const check = (ok: boolean, problem: string): void => {
    if (!ok) problems.push(problem);
  };

  const { mistyped, ofFamilies } = findUnknown(Object.keys(environment));
  problems.push(...mistyped);

  // Refused, because a variable left empty in a container would enable development's conveniences.
  const isEmpty = environment.NODE_ENV?.trim() === '';
  check(!isEmpty, 'NODE_ENV is empty: set it to production, or leave it out for development');
  const nodeEnvironment = value('NODE_ENV');
  check(
    ['development', 'production', 'test'].includes(nodeEnvironment),
    'NODE_ENV must be development, test or production',
  );
  const production = nodeEnvironment === 'production';

  const host = readHost(value('HOST') || (production ? '0.0.0.0' : '127.0.0.1'));
  check(host !== null, 'HOST must be an IP address or a name, without port, zone or quotes');
  const port = readWhole(value('PORT'));
  check(port <= 65_535, 'PORT must be a number from 0 to 65535');

  const roles = value('ROLES')
    .split(',')
    .map((role) => role.trim());
  for (const role of roles)
    check((ROLES as readonly string[]).includes(role), `ROLES must be a list of ${ROLES.join(', ')}`);

  const { databaseUrl, queueUrl, dataDir } = findStores(value, problems);
  check(
    databaseUrl !== undefined || ROLES.every((role) => roles.includes(role)),
    'ROLES leaves a role to another process, which needs DATABASE_URL: the embedded database serves one process',
  );
  const queuePrefix = value('QUEUE_PREFIX');
  check(
    /^[A-Za-z0-9_.-]{1,64}$/.test(queuePrefix),
    'QUEUE_PREFIX must be 1 to 64 letters, digits, dots, dashes, underscores',
  );

  const masterKeyText = value('MASTER_KEY');
  const masterKey = readMasterKey(masterKeyText) ?? undefined;
  check(masterKey !== undefined || masterKeyText === '', 'MASTER_KEY must be 32 bytes in base64');
  check(
    masterKeyText !== '' || (!production && !databaseUrl),
    `MASTER_KEY is required ${production ? 'in production' : 'with DATABASE_URL, so that every process can read the credentials'}`,
  );
  check(!masterKey || !isPatterned(masterKey), 'MASTER_KEY must be random: make one with openssl rand -base64 32');

  const adminId = value('ADMIN_CLIENT_ID');
  const adminSecret = value('ADMIN_CLIENT_SECRET');
  check(!adminId === !adminSecret, 'ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET belong together: one of them is missing');
  check(
    [adminId, adminSecret].every((text) => /^[\x20-\x7e]{0,255}$/.test(text)) && !adminId.includes(':'),
    'ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET must be up to 255 characters of printable ASCII, the id without a colon',
  );
  check(
    !production || !adminSecret || (adminSecret.length >= 16 && !/^(.{1,16})\1+$/.test(adminSecret)),
    'ADMIN_CLIENT_SECRET must have at least 16 characters in production, and not be a word repeated',
  );

  const runtimeName = value('RUNTIME_NAME');
  check(/^[A-Za-z0-9_-]{1,64}$/.test(runtimeName), 'RUNTIME_NAME must be 1 to 64 letters, digits, dashes, underscores');
  const invalidClientStatus = value('INVALID_CLIENT_STATUS');
  check(['400', '401'].includes(invalidClientStatus), 'INVALID_CLIENT_STATUS must be 400 or 401');
  const trustedProxies = value('TRUST_PROXY')
    .split(',')
    .map((proxy) => proxy.trim())
    .filter((proxy) => proxy !== '');
  check(trustedProxies.every(isNetwork), 'TRUST_PROXY must be a list of IP addresses and networks');
  check(
    !trustedProxies.filter(isNetwork).some(isWiderThanPrivate),
    'TRUST_PROXY must have no network wider than 10.0.0.0/8 or fc00::/7: every address of the network could set any caller address',
  );

  for (const name of SETTINGS.map((setting) => setting.name).filter((name) => PROVIDER_URL.test(name)))
    check(isUrl(value(name), production ? ['https:'] : ['https:', 'http:']), `${name} must be an https:// URL`);

  check(isHostPattern(value('WNS_CHANNEL_HOST')), 'WNS_CHANNEL_HOST must be a host name in lower case, or *. and one');
  const hosts = (name: string): string[] => {
    const list = value(name)
      .split(',')
      .map((host) => host.trim().toLowerCase())
      .filter((host) => host !== '');
    check(
      list.every(isHostPattern),
      `${name} must be a list of hosts such as name, name:8443 or *.name, without https://`,
    );
    return list;
  };
  const allowsPrivate = (name: string): boolean => {
    check(['true', 'false'].includes(value(name)), `${name} must be true or false`);
    check(!production || value(name) !== 'true', `${name} must not be true in production`);
    return value(name) === 'true';
  };
  const webPush = { allowPrivate: allowsPrivate('WEB_PUSH_ALLOW_PRIVATE'), hosts: hosts('WEB_PUSH_HOSTS') };
  const webhooks = { allowPrivate: allowsPrivate('WEBHOOK_ALLOW_PRIVATE') };

  const tokenHosts = hosts('FCM_TOKEN_HOSTS');
  const upstream = { hosts: hosts('UPSTREAM_HOSTS') };

  const caFile = value('PROVIDER_CA_FILE');
  let providerCa: string | undefined;
  if (caFile) {
    try {
      // Node uses the given authorities instead of its own, so its own are added.
      providerCa = [...rootCertificates, readFileSync(caFile, 'utf8')].join('\n');
    } catch {
      problems.push('PROVIDER_CA_FILE cannot be read');
    }
  }

  const whole = (name: string, min: number, max: number): number => {
    const number = readWhole(value(name));
    check(number >= min && number <= max, `${name} must be a whole number from ${min} to ${max}`);
    return number;
  };
  const shutdownDelayMs = whole('SHUTDOWN_DELAY', 0, 600) * 1_000;
  check(['on', 'off'].includes(value('DOCS')), 'DOCS must be on or off');
  const http = {
    requestTimeoutMs: whole('HTTP_REQUEST_TIMEOUT', 1, 3_600) * 1_000,
    headersTimeoutMs: whole('HTTP_HEADERS_TIMEOUT', 1, 3_600) * 1_000,
    keepAliveTimeoutMs: whole('HTTP_KEEP_ALIVE_TIMEOUT', 1, 3_600) * 1_000,
    maxConnections: whole('HTTP_MAX_CONNECTIONS', 1, 1_000_000),
    maxBodyBytes: whole('HTTP_MAX_BODY_BYTES', 8_388_608, 2 ** 40),
  };

  const batchesAtOnce = whole('WORKER_BATCHES', 1, 256);

  const shutdownTimeoutMs = whole('SHUTDOWN_TIMEOUT', 1, 3_600) * 1_000;

  const limit = (name: string): number => whole(name, 1, 1e9);
  const limits: Limits = {
    client: { requestsPerSecond: limit('LIMIT_CLIENT_RATE'), concurrentRequests: limit('LIMIT_CLIENT_CONCURRENT') },
    application: {
      requestsPerSecond: limit('LIMIT_APPLICATION_RATE'),
      concurrentRequests: limit('LIMIT_APPLICATION_CONCURRENT'),
    },
  };

  const quotas = {
    campaigns: limit('QUOTA_CAMPAIGNS'),
    tags: limit('QUOTA_TAGS'),
    scheduledMessages: limit('QUOTA_SCHEDULED_MESSAGES'),
    devices: limit('QUOTA_DEVICES'),
  };

  const days = (name: string): number => whole(name, 0, 36_500);
  const retention = {
    messageDays: days('RETENTION_DAYS'),
    deviceUnseenDays: days('DEVICE_UNSEEN_DAYS'),
    deviceRetiredDays: days('DEVICE_RETIRED_DAYS'),
    atMostPercent: whole('REMOVE_AT_MOST_PERCENT', 1, 100),
  };

  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);
  return {
    environment: production ? 'production' : 'development',
    hasSamples: !production && (databaseUrl === undefined || isThisMachine(readDatabaseUrl(databaseUrl).host)),
    host: host ?? '',
    port,
    roles: new Set(roles as Role[]),
    databaseUrl,
    queueUrl,
    queuePrefix,
    dataDir,
    masterKey,
    adminClient: adminId ? { id: adminId, secret: adminSecret } : undefined,
    runtimeName,
    invalidClientStatus: invalidClientStatus === '401' ? 401 : 400,
    trustedProxies,
    http,
    apns: { productionUrl: value('APNS_URL'), sandboxUrl: value('APNS_SANDBOX_URL') },
    fcm: { url: value('FCM_URL'), tokenHosts },
    wns: {
      tokenUrl: value('WNS_TOKEN_URL'),
      entraUrl: value('WNS_ENTRA_URL'),
      channelHost: value('WNS_CHANNEL_HOST'),
    },
    hms: { url: value('HMS_URL'), tokenUrl: value('HMS_TOKEN_URL') },
    webPush,
    upstream,
    webhooks,
    providerCa,
    batchesAtOnce,
    docs: value('DOCS') === 'on',
    shutdownDelayMs,
    shutdownTimeoutMs,
    limits,
    quotas,
    retention,
    unknownNames: ofFamilies,
  };
}

/** For lines written before the settings are read, or because they cannot be read. */
export function isProduction(): boolean {
  return process.env.NODE_ENV?.trim() === 'production';
}

function settingsOf(environment: NodeJS.ProcessEnv, problems: string[]): (name: string) => string {
  return (name) => {
    const setting = SETTINGS.find((known) => known.name === name);
    if (!setting) throw new Error(`${name} is not in SETTINGS`);
    const text = environment[name]?.trim() ?? '';
    // `docker run --env-file` keeps quotes that a shell would remove.
    const quoted = /^(["'])(.*)\1$/.exec(text)?.[2];
    if (quoted !== undefined) problems.push(`${name} is in quotes, which would be a part of its value: remove them`);
    return (quoted ?? text) || setting.fallback;
  };
}

/** Settings for `npm run migrate`, whose operator need not have the master key. */
export function readStores(environment: NodeJS.ProcessEnv = process.env): Stores {
  const problems: string[] = [];
  const stores = findStores(settingsOf(environment, problems), problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return stores;
}
