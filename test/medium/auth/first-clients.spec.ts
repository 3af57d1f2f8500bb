import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ITSELF } from '../../../src/auth/audit.repository.js';
import { FirstClients } from '../../../src/auth/first-clients.js';
import type { Config } from '../../../src/config.js';
import type { Database } from '../../../src/database/database.js';
import { inTransaction } from '../../../src/database/transaction.js';
import { openPlace } from '../database/places.js';
import { AuthRoom, ROOT, SetClock } from './auth-room.js';

let database: Database;
let remove: () => Promise<void>;
let room: AuthRoom;
const clock = new SetClock(Date.now());

beforeEach(async () => {
  ({ database, remove } = await openPlace());
  room = await AuthRoom.open(database, clock);
});
afterEach(() => remove());

const DEVELOPMENT = { environment: 'development', hasSamples: true } as const;
const PRODUCTION = { environment: 'production', hasSamples: false } as const;

async function start(config: Pick<Config, 'environment' | 'hasSamples' | 'adminClient'>): Promise<string> {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    await new FirstClients(config, database, room.repository, room.feed, clock).onApplicationBootstrap();
    return printed;
  } finally {
    write.mockRestore();
  }
}

const ids = async () => (await room.clients.list()).map(({ id }) => id);

describe('in development', () => {
  it('has MobileFirst’s three clients with their documented scopes, and one from settings', async () => {
    await start({ ...DEVELOPMENT, adminClient: { id: 'ops', secret: 'ops-secret' } });
    const scopes = Object.fromEntries((await room.clients.list()).map(({ id, allowedScope }) => [id, allowedScope]));
    expect(scopes).toEqual({
      admin: 'push.* mfp.admin.plugins settings.read',
      ops: '*',
      push: 'authorization.introspect',
      test: '*',
    });
    expect(await room.obtain('push', 'hsup', 'authorization.introspect')).toMatch(/^eyJ/);
    expect(await room.obtain('admin', 'nimda', 'push.x')).toMatch(/^eyJ/);
    expect(await room.obtain('ops', 'ops-secret')).toMatch(/^eyJ/);
  });

  it('does not create a deleted client again', async () => {
    await start(DEVELOPMENT);
    await room.clients.remove(ITSELF, 'push');
    await start(DEVELOPMENT);
    expect(await ids()).toEqual(['admin', 'test']);
  });
});

it('creates no client with a documented secret in development on a database of another machine', async () => {
  const printed = await start({ environment: 'development', hasSamples: false });
  expect(await ids()).toEqual(['administrator']);
  expect(printed).toMatch(/Administrator made, shown this once: id administrator secret \S+/);
});

describe('in production', () => {
  it('creates and prints the first administrator once, even if several processes start at once', async () => {
    const other = await AuthRoom.open(database, clock);
    let printed = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    await Promise.all(
      [room, other].map(({ repository, feed }) =>
        new FirstClients(PRODUCTION, database, repository, feed, clock).onApplicationBootstrap(),
      ),
    ).finally(() => write.mockRestore());
    const lines = printed.split('\n').filter((line) => line.includes('Administrator'));
    expect(lines).toHaveLength(1);
    const [, id = '', secret = ''] = /id (\S+) secret ([^\s"]+)/.exec(lines[0]!)!;
    expect(await room.obtain(id, secret, 'mfpadmin')).toMatch(/^eyJ/);
    expect(await start(PRODUCTION)).not.toContain('Administrator');
    expect(await ids()).toEqual(['administrator']);
  });

  it('takes the first administrator from the settings and prints nothing; its secret may be changed later', async () => {
    const config = { ...PRODUCTION, adminClient: { id: 'ops', secret: 'first' } } as const;
    expect(await start(config)).not.toContain('first');
    await room.clients.rotateSecret(ITSELF, 'ops', { secret: 'second' }, 0);
    expect(await start(config)).not.toContain('Administrator');
    expect(await room.obtain('ops', 'second')).toMatch(/^eyJ/);
    expect(await ids()).toEqual(['ops']);
  });

  it('refuses to start while a predefined client has its documented secret, and names the client', async () => {
    await start(DEVELOPMENT);
    const refused = /refuses to start while clients have their development secrets: /;
    await expect(start(PRODUCTION)).rejects.toThrow(refused);
    await room.clients.rotateSecret(ITSELF, 'test', { secret: 'changed' }, 60_000);
    // The old secret stays valid for a minute.
    await expect(start(PRODUCTION)).rejects.toThrow(/: test, admin, push$/);
    await room.clients.rotateSecret(ITSELF, 'test', { secret: 'changed' }, 0);
    await room.clients.update(ITSELF, 'admin', { enabled: false });
    await expect(start(PRODUCTION)).rejects.toThrow(/: push$/);
    await room.clients.remove(ITSELF, 'push');
    await start(PRODUCTION);
  });

  it('reports a taken name and does not overwrite it', async () => {
    await inTransaction(database, async (tx) => {
      const changes = await room.repository.beginChange(ROOT, tx);
      const limits = { requestsPerSecond: null, concurrentRequests: null };
      const keys = { jwks: null, jwksUri: null };
      const fields = {
        displayName: 'a',
        allowedScope: 'push.*',
        enabled: true,
        certificateBound: false,
        ...limits,
        ...keys,
      };
      await changes.add('administrator', fields, { hash: 'hash', expiresAt: null });
    });
    await expect(start(PRODUCTION)).rejects.toThrow(/the id administrator is taken/);
  });
});
