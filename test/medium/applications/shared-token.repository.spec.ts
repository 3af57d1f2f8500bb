import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Vault } from '../../../src/common/vault.js';
import type { Database } from '../../../src/database/database.js';
import { SharedTokenRepository } from '../../../src/applications/shared-token.repository.js';
import type { SharedToken } from '../../../src/providers/token-shelf.js';
import { openPlace } from '../database/places.js';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 0, 1);
const minted = (token: string, mintedAt = NOW): SharedToken => ({ token, mintedAt, expiresAt: mintedAt + 60 * MINUTE });

describe('tokens shared', () => {
  const vault = new Vault(randomBytes(32));
  let database: Database;
  let remove: () => Promise<void>;
  let shelf: SharedTokenRepository;
  let name: string;
  let names = 0;

  beforeAll(async () => {
    ({ database, remove } = await openPlace());
    shelf = new SharedTokenRepository(database, vault);
  });
  beforeEach(() => {
    name = `apns.${names++}`;
  });
  afterAll(() => remove());

  const rowOf = (of: string) =>
    database.kysely.selectFrom('shared_token').selectAll().where('name', '=', of).executeTakeFirst();

  it('a process reads the token of another, with its times', async () => {
    expect(await shelf.take(name)).toBeUndefined();
    const fresh = minted('one', NOW + 123);
    expect(await shelf.put(name, fresh, 0)).toEqual(fresh);
    expect(await new SharedTokenRepository(database, vault).take(name)).toEqual(fresh);
  });

  it('if many put at once, one wins and all get its token', async () => {
    // To an empty place, then in place of a token, as at a renewal.
    for (const [round, than] of [0, NOW, NOW + 50 * MINUTE].entries()) {
      const mintedAt = NOW + round * 50 * MINUTE;
      const puts = Array.from({ length: 20 }, (_, index) =>
        shelf.put(name, minted(`${round} of ${index}`, mintedAt + index), than + 19),
      );
      const tokens = new Set((await Promise.all(puts)).map(({ token }) => token));
      expect(tokens.size).toBe(1);
      expect([...tokens][0]).toMatch(new RegExp(`^${round} of `));
      expect((await shelf.take(name))?.token).toBe([...tokens][0]);
    }
  });

  it('replaces only a token that was made at the given time or before', async () => {
    await shelf.put(name, minted('one'), 0);
    const fresh = minted('two', NOW + MINUTE);
    expect((await shelf.put(name, fresh, NOW - 1)).token).toBe('one');
    expect((await shelf.put(name, fresh, NOW)).token).toBe('two');
  });

  it('replaces a token from the future, because its process had a wrong clock', async () => {
    await shelf.put(name, minted('ahead', NOW + MINUTE + 1), 0);
    expect((await shelf.put(name, minted('one', NOW + 1), 0)).token).toBe('ahead');
    expect((await shelf.put(name, minted('two'), 0)).token).toBe('two');
  });

  it('encrypts the token at rest, bound to its row', async () => {
    await shelf.put(name, minted('a.jwt.in-clear'), 0);
    const row = await rowOf(name);
    expect(row?.token.toString('latin1')).not.toContain('jwt');
    await database.kysely
      .insertInto('shared_token')
      .values({ ...row!, name: `${name}.moved` })
      .execute();
    await expect(shelf.take(`${name}.moved`)).rejects.toThrow('MASTER_KEY does not open');
    await database.kysely.deleteFrom('shared_token').where('name', '=', `${name}.moved`).execute();
  });

  it('removes expired tokens when another is put', async () => {
    await shelf.put(name, minted('old', NOW - 60 * MINUTE), 0);
    await shelf.put(`${name}.alive`, minted('alive', NOW - 60 * MINUTE + 1), 0);
    expect(await rowOf(name)).toBeDefined();
    await shelf.put(`${name}.new`, minted('new'), 0);
    expect(await rowOf(name)).toBeUndefined();
    expect(await rowOf(`${name}.alive`)).toBeDefined();
  });
});
