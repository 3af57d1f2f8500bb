import { randomBytes } from 'node:crypto';
import { SignJWT, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AccessTokens } from '../../../src/auth/access-tokens.js';
import { SigningKeyRepository } from '../../../src/auth/signing-key.repository.js';
import { Clock } from '../../../src/common/clock.js';
import { Vault } from '../../../src/common/vault.js';
import type { Database } from '../../../src/database/database.js';
import { openPlace } from '../database/places.js';

class SetClock extends Clock {
  time = Date.UTC(2026, 0, 1);
  override now(): number {
    return this.time;
  }
}

const HOUR = 3_600_000;
const vault = new Vault(randomBytes(32));
const clock = new SetClock();
let database: Database;
let remove: () => Promise<void>;

beforeAll(async () => {
  ({ database, remove } = await openPlace('embedded'));
});

afterAll(() => remove());

/** As one process of the installation has them. */
async function start(): Promise<AccessTokens> {
  const tokens = new AccessTokens(new SigningKeyRepository(database), vault, clock);
  await tokens.onModuleInit();
  return tokens;
}

it('processes that start at once agree on one key, and read each other’s tokens', async () => {
  const processes = await Promise.all([start(), start(), start()]);
  expect(await new SigningKeyRepository(database).list()).toHaveLength(1);
  for (const issuer of processes) {
    const token = await issuer.issue('test', 'messages.write push.application.a');
    for (const reader of processes)
      expect(await reader.read(token)).toEqual({
        clientId: 'test',
        scope: ['messages.write', 'push.application.a'],
        expiresAt: clock.time + HOUR,
      });
  }
});

it('a token holds for one hour, read before or not', async () => {
  const tokens = await start();
  const known = await tokens.issue('test', 'a');
  const unread = await tokens.issue('test', 'b');
  clock.time += HOUR - 1_000;
  expect(await tokens.read(known)).toMatchObject({ clientId: 'test' });
  clock.time += 1_000;
  expect(await tokens.read(known)).toBeNull();
  expect(await tokens.read(unread)).toBeNull();
});

it('a token under another key, of another kind or none at all says nothing', async () => {
  const tokens = await start();
  const [key] = await new SigningKeyRepository(database).list();
  const foreign = await generateKeyPair('ES256');
  const claims = () =>
    new SignJWT({ scope: '*' })
      .setIssuer('carillon')
      .setSubject('test')
      .setExpirationTime(clock.time / 1_000 + 3_600);
  const forged = await claims().setProtectedHeader({ alg: 'ES256', kid: key?.kid }).sign(foreign.privateKey);
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${forged.split('.')[1]}.`;
  const symmetric = await claims()
    .setProtectedHeader({ alg: 'HS256', kid: key?.kid })
    .sign(Buffer.from(JSON.stringify(key?.publicJwk)));
  for (const token of [forged, unsigned, symmetric, 'nonsense', '', 'a.b.c'])
    expect(await tokens.read(token)).toBeNull();
});

it('the private key is sealed at rest', async () => {
  const [key] = await new SigningKeyRepository(database).list();
  expect(key?.privateKey.toString('latin1')).not.toContain('PRIVATE KEY');
  const other = new AccessTokens(new SigningKeyRepository(database), new Vault(randomBytes(32)), clock);
  await expect(other.onModuleInit()).rejects.toThrow(/MASTER_KEY does not open signing_key/);
});
