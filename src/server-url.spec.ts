import { describe, expect, it } from 'vitest';
import { AddressError, readDatabaseUrl, readQueueUrl } from './server-url.js';

/** Longer than any word of a message, so that printed parts would be found. */
const SECRET = 'hunter2hunter2';

function refusal(read: (text: string) => unknown, text: string): string {
  try {
    read(text);
  } catch (error) {
    expect(error).toBeInstanceOf(AddressError);
    return (error as Error).message;
  }
  throw new Error(`${text} was taken`);
}

describe('a database address', () => {
  it.each<[string, object]>([
    ['postgres://db/carillon', { host: 'db', port: 5432, database: 'carillon', user: undefined, password: undefined }],
    [
      'postgresql://me:s%2Fe%23c%3Fr%40t@db.example:6543/carillon',
      { host: 'db.example', port: 6543, user: 'me', password: 's/e#c?r@t', database: 'carillon' },
    ],
    ['postgres://u:p@/db?host=/sock', { host: '/sock', port: 5432, user: 'u', password: 'p', database: 'db' }],
    ['postgres://u:p@/db?host=/sock&port=6000', { host: '/sock', port: 6000, database: 'db' }],
    ['postgres:///db?host=/sock&user=me', { host: '/sock', user: 'me', database: 'db' }],
    ['postgres://%2Fvar%2Frun/db', { host: '/var/run', database: 'db' }],
    ['postgres://u:p@ignored/db?host=other&port=7000', { host: 'other', port: 7000, database: 'db' }],
    ['postgres://[::1]:5433/db', { host: '::1', port: 5433 }],
    ['postgres://u:a%2Fb c@h/db', { host: 'h', password: 'a/b c' }],
    ['postgres://h/db?user=me@tenant', { host: 'h', user: 'me@tenant', database: 'db' }],
    ['postgres://h?dbname=db', { host: 'h', database: 'db' }],
    ['postgres://h/db?sslmode=verify-full', { ssl: {} }],
    ['postgres://h/db?sslmode=disable', { ssl: false }],
    [
      'postgres://h/db?options=-c%20statement_timeout%3D60000&application_name=mine&connect_timeout=3',
      { options: '-c statement_timeout=60000', application_name: 'mine' },
    ],
  ])('a database address: %s', (text, expected) => {
    expect(readDatabaseUrl(text)).toMatchObject(expected);
  });

  it('no parameter of the address replaces our own options', () => {
    expect(Object.keys(readDatabaseUrl('postgres://h/db?client_encoding=LATIN1&keepalives=0')).toSorted()).toEqual([
      'application_name',
      'database',
      'host',
      'options',
      'password',
      'port',
      'ssl',
      'sslnegotiation',
      'user',
    ]);
  });

  it.each([
    [`postgres://u:${SECRET}#x@h/db`, 'has a # that is not encoded: in a user name or password write %23'],
    [`postgres://u:12#${SECRET}@h:5432/db`, 'has a # that is not encoded: in a user name or password write %23'],
    [`postgres://u:${SECRET}?x@h/db`, 'has a ? that is not encoded: in a user name or password write %3F'],
    [`postgres://u:${SECRET}/x@h/db`, 'has a / that is not encoded: in a user name or password write %2F'],
    [`postgres://u:a@b/${SECRET}@h/db`, 'has a / that is not encoded: in a user name or password write %2F'],
    [`postgres://u:${SECRET}/x?y@h/db`, 'has a / that is not encoded: in a user name or password write %2F'],
    [`postgres://u:100%${SECRET}@h/db`, 'has a % that is not encoded: in a user name or password write %25'],
    [
      `postgres://u:${SECRET}@a:5432,b:5432/db`,
      'names several hosts: give one, a name or address that leads to the primary',
    ],
    ['postgres://u@/db?host=a,b', 'names several hosts: give one, a name or address that leads to the primary'],
    [
      `jdbc:postgresql://h:5432/db?password=${SECRET}`,
      'is an address for JDBC: write postgres://user:password@host:5432/database',
    ],
    ['mysql://db/x', 'must be a postgres:// URL'],
    ['db:5432/x', 'must be a postgres:// URL'],
    [`postgres://u:${SECRET}@h:port/db`, 'is not a valid URL'],
    ['postgres://h/db?port=x', 'has a port that is not a number from 1 to 65535'],
    ['postgres://h/db?schema=push', 'has the unknown parameter schema'],
    ['postgres://h/db?max=500', 'has the unknown parameter max'],
    ['postgres://h/db?query_timeout=1', 'has the unknown parameter query_timeout'],
    ['postgres://h/db?sslrootcert=/none.pem', 'names a file in sslrootcert that cannot be read'],
  ])('the database address %s is refused, and no part of it is printed', (text, message) => {
    expect(refusal(readDatabaseUrl, text)).toBe(message);
    expect(message).not.toContain(SECRET);
  });
});

describe('a queue address', () => {
  it.each<[string, object]>([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0, tls: false, username: undefined }],
    ['redis:///2', { host: 'localhost', port: 6379, db: 2 }],
    ['redis://queue:6380/', { host: 'queue', port: 6380, db: 0 }],
    ['rediss://me:p%2Fw@queue/15', { host: 'queue', username: 'me', password: 'p/w', db: 15, tls: true }],
    [
      'redis+sentinel://me:p%2Fw@one:26380,two,[::1]:26381/mymaster/3?sentinelPassword=a%26b',
      {
        username: 'me',
        password: 'p/w',
        db: 3,
        tls: false,
        sentinels: {
          hosts: [
            { host: 'one', port: 26_380 },
            { host: 'two', port: 26_379 },
            { host: '::1', port: 26_381 },
          ],
          name: 'mymaster',
          password: 'a&b',
        },
      },
    ],
    [
      'rediss+sentinel://one/mymaster',
      { db: 0, tls: true, sentinels: { hosts: [{ host: 'one', port: 26_379 }], name: 'mymaster' } },
    ],
    [
      'redis+cluster://me:p%2Fw@one:7000,two,[::1]:7001',
      {
        username: 'me',
        password: 'p/w',
        db: 0,
        tls: false,
        cluster: [
          { host: 'one', port: 7_000 },
          { host: 'two', port: 6_379 },
          { host: '::1', port: 7_001 },
        ],
      },
    ],
    ['rediss+cluster://one/0', { db: 0, tls: true, cluster: [{ host: 'one', port: 6_379 }] }],
    ['redis://:pw@[::1]:6379/2', { host: '::1', password: 'pw', username: undefined, db: 2 }],
  ])('a queue address: %s', (text, expected) => {
    expect(readQueueUrl(text)).toMatchObject(expected);
  });

  it.each([
    ['amqp://q', 'must be a redis:// URL, or rediss:// over TLS, or either with +sentinel or +cluster'],
    ['redis+clusters://q', 'must be a redis:// URL, or rediss:// over TLS, or either with +sentinel or +cluster'],
    ['redis+cluster://a/1', 'must have no path after its hosts: Redis Cluster has no database besides 0'],
    ['redis+cluster://a,b/name', 'must have no path after its hosts: Redis Cluster has no database besides 0'],
    ['redis+cluster://a?sentinelPassword=x', 'has the parameter sentinelPassword, but accepts none'],
    ['redis+cluster://a,b:x', 'is not a valid URL'],
    [
      'redis+sentinel://a,b',
      'must have the name of the master after its hosts, optionally followed by the number of a database',
    ],
    ['redis+sentinel://a/m?db=3', 'has the parameter db, but accepts only sentinelUsername and sentinelPassword'],
    ['redis+sentinel://a,b:x/m', 'is not a valid URL'],
    ['redis://q?sentinelPassword=a', 'has the parameter sentinelPassword, but accepts none'],
    ['redis://q/abc', 'must have only the number of a Redis database after its host'],
    ['redis://q/-1', 'must have only the number of a Redis database after its host'],
    ['redis://q/1/2', 'must have only the number of a Redis database after its host'],
    ['redis://q?keyPrefix=a', 'has a keyPrefix: set QUEUE_PREFIX instead'],
    ['redis://q?maxRetriesPerRequest=1', 'has the parameter maxRetriesPerRequest, but accepts none'],
    [
      'redis://a:1,b:2',
      'names several servers: give one, or write redis+sentinel:// for sentinels or redis+cluster:// for a cluster',
    ],
    [`redis://:${SECRET}#@q`, 'has a # that is not encoded: in a user name or password write %23'],
    [`redis://:${SECRET}/x@q/1`, 'has a / that is not encoded: in a user name or password write %2F'],
    [`redis://:${SECRET}?x@q/1`, 'has a ? that is not encoded: in a user name or password write %3F'],
    ['redis://q:port', 'is not a valid URL'],
  ])('the queue address %s is refused, and no part of it is printed', (text, message) => {
    expect(refusal(readQueueUrl, text)).toBe(message);
    expect(message).not.toContain(SECRET);
  });
});
