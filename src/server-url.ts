import { readFileSync } from 'node:fs';
import { parse } from 'pg-connection-string';
import { findShellWords } from './setting-values.js';

/** Readers of DATABASE_URL and QUEUE_URL, for config.ts, which checks them, and for the code that connects. */

/** An error in an address; the message follows the setting's name and contains no part of the address. */
export class AddressError extends Error {}

export interface DatabaseAddress {
  /** A name, an IP address, or the folder of a Unix socket. */
  host?: string;
  port: number;
  user?: string;
  password?: string;
  database?: string;
  ssl?: boolean | object;
  sslnegotiation?: 'postgres' | 'direct';
  /** From the server's command line (`-c name=value`); our own values come later. */
  options?: string;
  application_name?: string;
}

/** Parameters of a libpq URI (postgresql.org/docs/current/libpq-connect.html) that are used … */
const USED = ['host', 'port', 'user', 'password', 'dbname', 'options', 'application_name', 'sslmode', 'sslrootcert'];
const USED_BY_TLS = ['sslcert', 'sslkey', 'sslnegotiation', 'ssl', 'uselibpqcompat'];
/** … and parameters that are accepted, because every libpq program accepts them, but ignored. */
const DECIDED_HERE = [
  'client_encoding',
  'connect_timeout',
  'fallback_application_name',
  'keepalives',
  'keepalives_idle',
]
  .concat(['keepalives_interval', 'keepalives_count', 'tcp_user_timeout', 'target_session_attrs', 'channel_binding'])
  .concat(['gssencmode', 'sslcompression', 'sslsni']);
const PARAMETERS: ReadonlySet<string> = new Set([...USED, ...USED_BY_TLS, ...DECIDED_HERE]);

/** Reads a libpq URI with one host. Throws AddressError. */
export function readDatabaseUrl(text: string): DatabaseAddress {
  if (/^jdbc:/i.test(text))
    throw new AddressError('is an address for JDBC: write postgres://user:password@host:5432/database');
  if (!/^postgres(ql)?:\/\//i.test(text)) throw new AddressError('must be a postgres:// URL');
  const { authority, query } = takeApart(text, PARAMETERS);
  if (/,/.test(authority.slice(authority.lastIndexOf('@') + 1)) || query.get('host')?.includes(','))
    throw new AddressError('names several hosts: give one, a name or address that leads to the primary');
  for (const [name] of query)
    if (!PARAMETERS.has(name)) throw new AddressError(`has the unknown parameter ${printable(name)}`);
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = query.get(name);
    if (file !== null && !isReadable(file)) throw new AddressError(`names a file in ${name} that cannot be read`);
  }
  try {
    // The parser treats a space as a sign that nothing is encoded.
    const { host, port, user, password, database, ...rest } = parse(text.replaceAll(' ', '%20'));
    const number = Number(port || 5432);
    if (!Number.isInteger(number) || number < 1 || number > 65_535)
      throw new AddressError('has a port that is not a number from 1 to 65535');
    return {
      host: host || undefined,
      port: number,
      user: user || undefined,
      password: password || undefined,
      database: database ?? query.get('dbname') ?? undefined,
      ssl: rest.ssl as DatabaseAddress['ssl'],
      sslnegotiation: rest.sslnegotiation,
      options: rest.options,
      application_name: rest.application_name,
    };
  } catch (error) {
    // The parser's own error may contain a part of the address.
    throw error instanceof AddressError ? error : new AddressError('is not a valid URL');
  }
}

export interface Host {
  host: string;
  port: number;
}

export interface QueueAddress extends Host {
  username?: string;
  password?: string;
  /** Number of the database. */
  db: number;
  tls: boolean;
  /** Sentinels that know the address of the master `name`; host and port are then those of the first sentinel. */
  sentinels?: { hosts: Host[]; name: string; username?: string; password?: string };
  /** Servers of a Redis Cluster, each of which knows all servers; `host` and `port` are those of the first. */
  cluster?: Host[];
}

/**
 * Reads `redis[s]://[user[:password]@]host[:port][/number]`; with `redis[s]+sentinel:` several hosts and
 * `/name[/number]`; with `redis[s]+cluster:` several hosts and no path. Throws AddressError.
 */
export function readQueueUrl(text: string): QueueAddress {
  const [, isTls, , kind] = /^redis(s?)(\+(sentinel|cluster))?:\/\//i.exec(text) ?? [];
  if (isTls === undefined)
    throw new AddressError('must be a redis:// URL, or rediss:// over TLS, or either with +sentinel or +cluster');
  const isSentinel = kind?.toLowerCase() === 'sentinel';
  const isCluster = kind?.toLowerCase() === 'cluster';
  const { authority, query } = takeApart(text, SENTINEL_PARAMETERS);
  const at = authority.lastIndexOf('@') + 1;
  const hosts = authority.slice(at).split(',');
  if (hosts.length > 1 && !isSentinel && !isCluster)
    throw new AddressError(
      'names several servers: give one, or write redis+sentinel:// for sentinels or redis+cluster:// for a cluster',
    );
  const parameter = [...query.keys()].find((name) => !isSentinel || !SENTINEL_PARAMETERS.has(name));
  if (parameter === 'keyPrefix') throw new AddressError('has a keyPrefix: set QUEUE_PREFIX instead');
  if (parameter !== undefined)
    throw new AddressError(
      `has the parameter ${printable(parameter)}, but accepts ${isSentinel ? 'only sentinelUsername and sentinelPassword' : 'none'}`,
    );
  // URL does not support several hosts.
  const after = text.slice(text.indexOf('//') + 2 + authority.length);
  const urls = hosts.map((host) => `redis://${authority.slice(0, at)}${host}${after}`);
  if (!urls.every((each) => URL.canParse(each))) throw new AddressError('is not a valid URL');
  const parsed = urls.map((each) => new URL(each));
  const { pathname, username, password } = parsed[0]!;
  const { name, db } = readPath(pathname, { isSentinel, isCluster });
  const defaultPort = isSentinel ? 26_379 : 6_379;
  const addresses = parsed.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(port || defaultPort),
  }));
  return {
    ...addresses[0]!,
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    db,
    tls: isTls !== '',
    ...(isCluster && { cluster: addresses }),
    ...(isSentinel && {
      sentinels: {
        hosts: addresses,
        name: decodeURIComponent(name),
        username: query.get('sentinelUsername') ?? undefined,
        password: query.get('sentinelPassword') ?? undefined,
      },
    }),
  };
}

/** The name of the master, for sentinels, and the number of the database. */
function readPath(pathname: string, { isSentinel, isCluster }: { isSentinel: boolean; isCluster: boolean }) {
  if (isCluster && !/^\/?0?$/.test(pathname))
    throw new AddressError('must have no path after its hosts: Redis Cluster has no database besides 0');
  const [, name, db = ''] = (isSentinel ? /^\/([^/]+)(?:\/(\d{0,9}))?$/ : /^(\/?)(\d{0,9})$/).exec(pathname) ?? [];
  if (name === undefined)
    throw new AddressError(
      isSentinel
        ? 'must have the name of the master after its hosts, optionally followed by the number of a database'
        : 'must have only the number of a Redis database after its host',
    );
  return { name, db: Number(db) };
}

/** Sentinels have their own users. */
const SENTINEL_PARAMETERS: ReadonlySet<string> = new Set(['sentinelUsername', 'sentinelPassword']);

export interface Stores {
  databaseUrl?: string;
  databaseReadUrl?: string;
  queueUrl?: string;
  dataDir: string;
}

/** Where data is stored, by the settings that `value` reads; errors are added to `problems`. */
export function findStores(value: (name: string) => string, problems: string[]): Stores {
  const address = (name: string, read: (text: string) => unknown): string | undefined => {
    const text = value(name) || undefined;
    try {
      if (text) read(text);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      problems.push(`${name} ${error.message}`);
    }
    return text;
  };
  const dataDir = value('DATA_DIR');
  const meant = findShellWords(dataDir);
  if (meant) problems.push(`DATA_DIR ${meant}, which no shell resolves here: write the path itself`);
  return {
    databaseUrl: address('DATABASE_URL', readDatabaseUrl),
    databaseReadUrl: address('DATABASE_READ_URL', readDatabaseUrl),
    queueUrl: address('QUEUE_URL', readQueueUrl),
    dataDir,
  };
}

/**
 * Splits the address into the authority and the parameters. An unencoded `#`, `?` or `/` in a password would end it
 * early, and the rest of the password would be read, and printed, as another part; therefore the character is reported
 * (RFC 3986 §3.2).
 */
function takeApart(text: string, parameters: ReadonlySet<string>): { authority: string; query: URLSearchParams } {
  const rest = text.slice(text.indexOf('//') + 2);
  if (rest.includes('#')) throw unencoded('#');
  if (/%(?![\da-f]{2})/i.test(rest)) throw unencoded('%');
  const end = rest.search(/[/?]|$/);
  const authority = rest.slice(0, end);
  const [path = '', ...after] = rest.slice(end).split('?');
  const query = new URLSearchParams(after.join('?'));
  const isPassword = !authority.includes('@') && after.join('?').includes('@');
  const isKnown = [...query.keys()].every((name) => parameters.has(name));
  if (path.includes('@') || (isPassword && !isKnown)) throw unencoded(rest[end] ?? '');
  return { authority, query };
}

function unencoded(character: string): AddressError {
  const code = encodeURIComponent(character);
  return new AddressError(`has a ${character} that is not encoded: in a user name or password write ${code}`);
}

function isReadable(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

function printable(name: string): string {
  return name.slice(0, 40).replace(/[^\x20-\x7e]/g, '?');
}
