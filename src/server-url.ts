import { readFileSync } from 'node:fs';
import { parse } from 'pg-connection-string';

/** The addresses of the servers that keep data, DATABASE_URL and QUEUE_URL: read by config.ts to check them, and by what connects. */

/** What is wrong with an address; the message follows the setting's name and holds nothing of the address. */
export class AddressError extends Error {}

export interface DatabaseAddress {
  /** A name, an IP address, or a folder with a Unix socket. */
  host?: string;
  port: number;
  user?: string;
  password?: string;
  database?: string;
  ssl?: boolean | object;
  sslnegotiation?: 'postgres' | 'direct';
  /** Of the server's command line (`-c name=value`); what we set comes after it. */
  options?: string;
  application_name?: string;
}

/** Parameters of a libpq URI (postgresql.org/docs/current/libpq-connect.html) that mean something here … */
const USED = ['host', 'port', 'user', 'password', 'dbname', 'options', 'application_name', 'sslmode', 'sslrootcert'];
const USED_BY_TLS = ['sslcert', 'sslkey', 'sslnegotiation', 'ssl', 'uselibpqcompat'];
/** … and those that are taken because every libpq program takes them, though we decide what they ask for. */
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
    if (!PARAMETERS.has(name)) throw new AddressError(`has the parameter ${printable(name)}, which PostgreSQL has not`);
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = query.get(name);
    if (file !== null && !isReadable(file)) throw new AddressError(`names a file in ${name} that cannot be read`);
  }
  try {
    // The parser takes a space for a sign that nothing is encoded.
    const { host, port, user, password, database, ...rest } = parse(text.replaceAll(' ', '%20'));
    const number = Number(port || 5432);
    if (!Number.isInteger(number) || number < 1 || number > 65_535)
      throw new AddressError('has a port that is no number');
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
    // The parser's own words may hold a part of the address.
    throw error instanceof AddressError ? error : new AddressError('is not a valid URL');
  }
}

export interface QueueAddress {
  host: string;
  port: number;
  username?: string;
  password?: string;
  /** Number of the database. */
  db: number;
  tls: boolean;
}

/** Reads `redis[s]://[user[:password]@]host[:port][/number]`. Throws AddressError. */
export function readQueueUrl(text: string): QueueAddress {
  if (!/^rediss?:\/\//i.test(text)) throw new AddressError('must be a redis:// or rediss:// URL');
  const { authority, query } = takeApart(text, new Set());
  if (/,/.test(authority.slice(authority.lastIndexOf('@') + 1)))
    throw new AddressError('names several servers: give one; Redis Sentinel and Cluster are not supported');
  const [parameter] = query.keys();
  if (parameter === 'keyPrefix') throw new AddressError('has a keyPrefix: set QUEUE_PREFIX instead');
  if (parameter !== undefined) throw new AddressError(`has the parameter ${printable(parameter)}: it takes none`);
  if (!URL.canParse(text)) throw new AddressError('is not a valid URL');
  const url = new URL(text);
  if (!/^(\/\d{0,9})?$/.test(url.pathname))
    throw new AddressError('must have nothing after its host but the number of a Redis database');
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(url.port || 6379),
    username: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    db: Number(url.pathname.slice(1)),
    tls: url.protocol === 'rediss:',
  };
}

export interface Stores {
  databaseUrl?: string;
  queueUrl?: string;
  dataDir: string;
}

/** Where data is kept, by the settings that `value` reads; what is wrong with them goes to `problems`. */
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
  return {
    databaseUrl: address('DATABASE_URL', readDatabaseUrl),
    queueUrl: address('QUEUE_URL', readQueueUrl),
    dataDir: value('DATA_DIR'),
  };
}

/**
 * The host with what stands before it, and the parameters. An unencoded `#`, `?` or `/` in a password ends it early, and
 * the rest of the password would be read, and printed, as another part: it is named instead (RFC 3986 §3.2).
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
