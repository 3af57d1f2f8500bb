import { randomBytes } from 'node:crypto';
import { SignJWT, decodeJwt, decodeProtectedHeader, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SigningKeyRepository } from '../../../src/auth/signing-key.repository.js';
import { Vault } from '../../../src/common/vault.js';
import type { Database } from '../../../src/database/database.js';
import { openPlace } from '../database/places.js';
import { AuthRoom, SetClock } from './auth-room.js';

const HOUR = 3_600_000;
const CLIENT = { id: 'test', generation: 7 };
const clock = new SetClock(Date.UTC(2026, 0, 1));
let database: Database;
let remove: () => Promise<void>;

beforeAll(async () => {
  ({ database, remove } = await openPlace());
});

afterAll(() => remove());

const start = () => AuthRoom.open(database, clock);

it('processes that start at once agree on one key and accept each other’s tokens', async () => {
  const processes = await Promise.all([start(), start(), start()]);
  expect(await new SigningKeyRepository(database).list()).toHaveLength(1);
  for (const issuer of processes) {
    const token = issuer.accessTokens.issue(CLIENT, 'messages.write push.application.a');
    for (const reader of processes)
      expect(await reader.accessTokens.read(token)).toEqual({
        jti: expect.any(String) as string,
        clientId: 'test',
        generation: 7,
        scope: ['messages.write', 'push.application.a'],
        expiresAt: clock.time + HOUR,
      });
  }
});

it('a token is valid for one hour in every process, known there before or not', async () => {
  const [issuer, reader, stranger] = await Promise.all([start(), start(), start()]);
  const token = issuer.accessTokens.issue(CLIENT, 'a');
  clock.time += HOUR - 1_000;
  for (const room of [issuer, reader]) expect(await room.accessTokens.read(token)).toMatchObject({ clientId: 'test' });
  clock.time += 1_000;
  for (const room of [issuer, reader, stranger]) expect(await room.accessTokens.read(token)).toBeNull();
});

it('refuses a token under another key, of another kind, or no token at all', async () => {
  const { accessTokens } = await start();
  const [key] = await new SigningKeyRepository(database).list();
  const foreign = await generateKeyPair('ES256');
  const claims = () =>
    new SignJWT({ scope: '*', gen: 7 })
      .setIssuer('carillon')
      .setSubject('test')
      .setJti('j')
      .setExpirationTime(clock.time / 1_000 + 3_600);
  const forged = await claims().setProtectedHeader({ alg: 'ES256', kid: key?.kid }).sign(foreign.privateKey);
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${forged.split('.')[1]}.`;
  const stranger = await claims().setProtectedHeader({ alg: 'ES256', kid: 'none' }).sign(foreign.privateKey);
  const symmetric = await claims()
    .setProtectedHeader({ alg: 'HS256', kid: key?.kid })
    .sign(Buffer.from(JSON.stringify(key?.publicJwk)));
  for (const token of [forged, unsigned, stranger, symmetric, 'nonsense', '', 'a.b.c', 'x'.repeat(7_000)])
    expect(await accessTokens.read(token)).toBeNull();
});

it('refuses a JWT of our own key that is not an access token', async () => {
  const { accessTokens, keys } = await start();
  const { kid, sign } = keys.current();
  const now = clock.time / 1_000;
  const whole = { iss: 'carillon', sub: 'test', jti: 'j', scope: 'a', gen: 7, exp: now + 60 };
  const read = (claims: Record<string, unknown>) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(sign)
      .then((token) => accessTokens.read(token));
  expect(await read(whole)).toMatchObject({ jti: 'j' });
  for (const missing of Object.keys(whole)) expect(await read({ ...whole, [missing]: undefined })).toBeNull();
  for (const wrong of [{ iss: 'other' }, { exp: now }, { scope: ['a'] }, { gen: '7' }, { scope: 'x'.repeat(6_144) }])
    expect(await read({ ...whole, ...wrong })).toBeNull();
});

it('a token is an RFC 9068 access token', async () => {
  const { accessTokens } = await start();
  const token = accessTokens.issue(CLIENT, 'messages.write');
  expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
  const now = Math.floor(clock.time / 1_000);
  expect(decodeJwt(token)).toEqual({
    ...{ iss: 'carillon', aud: 'carillon', sub: 'test', client_id: 'test', scope: 'messages.write', gen: 7 },
    ...{ jti: expect.any(String) as string, iat: now, exp: now + 3_600 },
  });
});

it('accepts a token without type and audience from an older release until it ends, and refuses foreign values of them', async () => {
  const { accessTokens, keys } = await start();
  const { kid, sign } = keys.current();
  const claims = { iss: 'carillon', sub: 'test', jti: 'j', scope: 'a', gen: 7, exp: clock.time / 1_000 + 60 };
  const read = (typ: string | undefined, aud: string | undefined) =>
    new SignJWT({ ...claims, ...(aud && { aud }) })
      .setProtectedHeader({ alg: 'ES256', kid, ...(typ && { typ }) })
      .sign(sign)
      .then((token) => accessTokens.read(token));
  expect(await read(undefined, undefined)).toMatchObject({ jti: 'j' });
  expect(await read('at+jwt', 'carillon')).toMatchObject({ jti: 'j' });
  expect(await read('at+jwt', undefined)).toBeNull();
  expect(await read('at+jwt', 'other')).toBeNull();
  expect(await read('JWT', 'carillon')).toBeNull();
});

it('another process can read the longest possible token', async () => {
  const [issuer, reader] = await Promise.all([start(), start()]);
  const scope = Array.from({ length: 128 }, () => 'x'.repeat(15)).join(' ');
  const token = issuer.accessTokens.issue({ id: '"'.repeat(255), generation: 1 }, scope);
  expect(await reader.accessTokens.read(token)).toMatchObject({ clientId: '"'.repeat(255) });
});

it('encrypts the private key at rest and publishes no part of it', async () => {
  const [key] = await new SigningKeyRepository(database).list();
  expect(key?.privateKey.toString('latin1')).not.toContain('PRIVATE KEY');
  for (const jwk of (await start()).keys.publicSet().keys)
    expect(Object.keys(jwk).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  await expect(AuthRoom.open(database, clock, { vault: new Vault(randomBytes(32)) })).rejects.toThrow(
    /MASTER_KEY does not open signing_key/,
  );
});
