import { LOG_LEVELS } from './common/log-level.js';
import type { LogLevel } from './common/log-level.js';
import { findStores, readDatabaseUrl } from './server-url.js';
import type { Stores } from './server-url.js';
import { isNetwork, isThisMachine, isWiderThanPrivate, readHost, readWhole } from './setting-values.js';
import { SettingReader } from './setting-reader.js';
import { ROLES } from './role.js';
import type { Role } from './role.js';
import type { People } from './people-settings.js';
import type { ProcessCounts } from './process-plan.js';
import {
  readAudit,
  readCertificateHeader,
  readLimits,
  readMetrics,
  readPeople,
  readProcesses,
  readProviders,
  readProxySettings,
  readPublicUrl,
  readRetention,
  readTls,
} from './setting-groups.js';
import type { Proxy } from './common/proxy.js';
import type { TlsFiles } from './common/certified-key.js';
import { readSecrets } from './secret-settings.js';
import type { Secrets } from './secret-settings.js';
import { findUnknown } from './unknown-settings.js';

/** The only reader of the environment: validates every setting once at start. settings.ts has the defaults. */

export interface Config extends Secrets {
  environment: 'development' | 'production';
  /** Whether development clients and the sample application are created: never in a database on another machine. */
  hasSamples: boolean;
  /** Lines below this level are not written. */
  logLevel: LogLevel;
  host: string;
  port: number;
  /** The port of administration; null: `port` serves it, too. */
  adminPort: number | null;
  /** Absent: plain http. */
  tls?: TlsFiles;
  /** Where callers reach this installation; empty: not known. */
  publicUrl: string;
  roles: ReadonlySet<Role>;
  /** Of one process among several of a start: `worker 2`. */
  name?: string;
  /** Numbers of processes of this start. */
  processes: ProcessCounts;
  /** Absent: the embedded database under `dataDir`. */
  databaseUrl?: string;
  /** A hot standby, or a name that leads to several. Absent: reports and lists are read from `databaseUrl`. */
  databaseReadUrl?: string;
  /** Absent: the queue is in the database. */
  queueUrl?: string;
  /** First part of the queue's keys in Redis. */
  queuePrefix: string;
  dataDir: string;
  /** First part of the az endpoints' path. */
  runtimeName: string;
  /** Answer to a wrong client id or secret. */
  invalidClientStatus: 400 | 401;
  /** Addresses and networks of reverse proxies whose X-Forwarded-For is trusted. */
  trustedProxies: string[];
  /** In lower case. Absent: tokens are bound to no certificate. */
  clientCertificateHeader?: string;
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
  /** For outgoing https. Absent: connections are opened directly. */
  proxy?: Proxy;
  batchesAtOnce: number;
  /** Whether the API document is served. */
  docs: boolean;
  /** Whether the Operations Console is served. */
  console: boolean;
  /** The name of this installation for people. */
  environmentName: string;
  /** The sign-in of people. Absent: clients alone sign in to the console. */
  people?: People;
  /** Port null: no server of its own. */
  metrics: { port: number | null; applications: number };
  /** Time between "not ready" and the end of listening. */
  shutdownDelayMs: number;
  /** How long a stop waits for answers to sent requests. */
  shutdownTimeoutMs: number;
  limits: Limits;
  quotas: Record<Quota, number>;
  /** In days; 0: never. */
  retention: {
    messageDays: number;
    deviceUnseenDays: number;
    deviceRetiredDays: number;
    webhookEventDays: number;
    atMostPercent: number;
  };
  /** `syslog` and `file`: where events are sent; at most one of them. Retention 0: for ever. */
  audit: { syslog?: { host: string; port: number; ca?: string }; file?: string; retentionDays: number };
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

/** Contains all problems at once; names settings and rules, never values: a malformed secret must not reach a log. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Settings: ${problems.join('; ')}`);
    this.name = 'ConfigError';
  }
}

export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const settings = new SettingReader(environment);
  const { mistyped, ofFamilies } = findUnknown(Object.keys(environment));
  settings.problems.push(...mistyped);
  const production = readEnvironment(settings, environment);
  const listening = { ...readListening(settings, production), tls: readTls(settings) };
  const stores = readStoresAndRoles(settings);
  const config: Config = {
    environment: production ? 'production' : 'development',
    hasSamples: !production && isOnThisMachine(stores.databaseUrl, settings),
    logLevel: readLogLevel(settings),
    ...listening,
    publicUrl: readPublicUrl(settings, production, listening),
    ...stores,
    ...readSecrets(settings, production, stores.databaseUrl),
    ...readApi(settings),
    ...readConsole(settings, production),
    people: readPeople(settings, production),
    ...readProviders(settings, production),
    proxy: readProxySettings(settings),
    batchesAtOnce: settings.whole('WORKER_BATCHES', 1, 256),
    shutdownDelayMs: settings.secondsInMs('SHUTDOWN_DELAY', 0, 600),
    shutdownTimeoutMs: settings.secondsInMs('SHUTDOWN_TIMEOUT'),
    ...readLimits(settings),
    metrics: readMetrics(settings),
    retention: readRetention(settings),
    audit: readAudit(settings),
    unknownNames: ofFamilies,
  };
  if (settings.problems.length > 0) throw new ConfigError([...new Set(settings.problems)]);
  return config;
}

/** True in production. */
function readEnvironment(settings: SettingReader, environment: NodeJS.ProcessEnv): boolean {
  // Refused, because a variable left empty in a container would enable development's conveniences.
  const isEmpty = environment.NODE_ENV?.trim() === '';
  settings.check(!isEmpty, 'NODE_ENV is empty: set it to production, or leave it out for development');
  const name = settings.value('NODE_ENV');
  const isKnown = ['development', 'production', 'test'].includes(name);
  settings.check(isKnown, 'NODE_ENV must be development, test or production');
  return name === 'production';
}

function readLogLevel(settings: SettingReader): LogLevel {
  const level = LOG_LEVELS.find((known) => known === settings.value('LOG_LEVEL'));
  settings.check(level !== undefined, `LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`);
  return level ?? 'info';
}

function readListening(settings: SettingReader, production: boolean): Pick<Config, 'host' | 'port' | 'adminPort'> {
  const host = readHost(settings.value('HOST') || (production ? '0.0.0.0' : '127.0.0.1'));
  settings.check(host !== null, 'HOST must be an IP address or a name, without port, zone or quotes');
  const port = readWhole(settings.value('PORT'));
  settings.check(port <= 65_535, 'PORT must be a number from 0 to 65535');
  const adminPort = settings.value('ADMIN_PORT') === '' ? null : settings.whole('ADMIN_PORT', 0, 65_535);
  settings.check(adminPort === 0 || adminPort !== port, 'ADMIN_PORT must be another port than PORT');
  return { host: host ?? '', port, adminPort };
}

function readStoresAndRoles(
  settings: SettingReader,
): Pick<Config, 'roles' | 'processes' | 'databaseUrl' | 'databaseReadUrl' | 'queueUrl' | 'dataDir' | 'queuePrefix'> {
  const roles = settings
    .value('ROLES')
    .split(',')
    .map((role) => role.trim());
  for (const role of roles)
    settings.check((ROLES as readonly string[]).includes(role), `ROLES must be a list of ${ROLES.join(', ')}`);
  const stores = findStores((name) => settings.value(name), settings.problems);
  settings.check(
    stores.databaseUrl !== undefined || ROLES.every((role) => roles.includes(role)),
    'ROLES leaves a role to another process, which needs DATABASE_URL: the embedded database serves one process',
  );
  const processes = readProcesses(settings, roles, stores.databaseUrl !== undefined);
  settings.check(
    stores.databaseReadUrl === undefined || stores.databaseUrl !== undefined,
    'DATABASE_READ_URL needs DATABASE_URL: the embedded database has no standby',
  );
  const queuePrefix = settings.value('QUEUE_PREFIX');
  settings.check(
    /^[A-Za-z0-9_.-]{1,64}$/.test(queuePrefix),
    'QUEUE_PREFIX must be 1 to 64 letters, digits, dots, dashes, underscores',
  );
  return { roles: new Set(roles as Role[]), processes, ...stores, queuePrefix };
}

/** False for an address that cannot be read, which `findStores` has refused. */
function isOnThisMachine(databaseUrl: string | undefined, { problems }: SettingReader): boolean {
  if (databaseUrl === undefined) return true;
  return problems.length === 0 && isThisMachine(readDatabaseUrl(databaseUrl).host);
}

function readApi(
  settings: SettingReader,
): Pick<
  Config,
  'runtimeName' | 'invalidClientStatus' | 'trustedProxies' | 'clientCertificateHeader' | 'docs' | 'http'
> {
  const runtimeName = settings.value('RUNTIME_NAME');
  settings.check(
    /^[A-Za-z0-9_-]{1,64}$/.test(runtimeName),
    'RUNTIME_NAME must be 1 to 64 letters, digits, dashes, underscores',
  );
  const status = settings.value('INVALID_CLIENT_STATUS');
  settings.check(['400', '401'].includes(status), 'INVALID_CLIENT_STATUS must be 400 or 401');
  const trustedProxies = settings.list('TRUST_PROXY');
  settings.check(trustedProxies.every(isNetwork), 'TRUST_PROXY must be a list of IP addresses and networks');
  settings.check(
    !trustedProxies.filter(isNetwork).some(isWiderThanPrivate),
    'TRUST_PROXY must have no network wider than 10.0.0.0/8 or fc00::/7: every address of the network could set any caller address',
  );
  const docs = settings.value('DOCS');
  settings.check(['on', 'off'].includes(docs), 'DOCS must be on or off');
  return {
    runtimeName,
    invalidClientStatus: status === '401' ? 401 : 400,
    trustedProxies,
    clientCertificateHeader: readCertificateHeader(settings, trustedProxies),
    docs: docs === 'on',
    http: {
      requestTimeoutMs: settings.secondsInMs('HTTP_REQUEST_TIMEOUT'),
      headersTimeoutMs: settings.secondsInMs('HTTP_HEADERS_TIMEOUT'),
      keepAliveTimeoutMs: settings.secondsInMs('HTTP_KEEP_ALIVE_TIMEOUT'),
      maxConnections: settings.whole('HTTP_MAX_CONNECTIONS', 1, 1_000_000),
      maxBodyBytes: settings.whole('HTTP_MAX_BODY_BYTES', 8_388_608, 2 ** 40),
    },
  };
}

function readConsole(settings: SettingReader, production: boolean): Pick<Config, 'console' | 'environmentName'> {
  const served = settings.value('CONSOLE');
  settings.check(['on', 'off'].includes(served), 'CONSOLE must be on or off');
  const environmentName = settings.value('ENVIRONMENT_NAME') || (production ? 'production' : 'development');
  settings.check(
    environmentName.length <= 40 && !/\p{C}/u.test(environmentName),
    'ENVIRONMENT_NAME must be up to 40 characters without control characters',
  );
  return { console: served === 'on', environmentName };
}

/**
 * Whether lines of the log are JSON: in production, unless a person looks at a terminal. Also for lines written before
 * the settings are read, or because they cannot be read.
 */
export function logsJson(): boolean {
  return process.env.NODE_ENV?.trim() === 'production' && !process.stdout.isTTY;
}

/** Settings for `npm run migrate`, whose operator need not have the master key. */
export function readStores(environment: NodeJS.ProcessEnv = process.env): Stores {
  const settings = new SettingReader(environment);
  const stores = findStores((name) => settings.value(name), settings.problems);
  if (settings.problems.length > 0) throw new ConfigError(settings.problems);
  return stores;
}
