import { generateKeyPairSync, verify } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryShelf } from '../../../test/harness/memory-shelf.js';
import { ProviderToken } from './apns.token.js';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEY = { key: privateKey, keyId: 'KEY1234567', teamId: 'TEAM123456' };
const MINUTE_MS = 60_000;
const decode = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

describe('ProviderToken', () => {
  let now: number;
  let shelf: MemoryShelf;
  let token: ProviderToken;
  const start = (): ProviderToken => new ProviderToken(KEY, 'name', shelf, () => now);

  beforeEach(() => {
    now = Date.parse('2026-11-23T10:00:00Z');
    shelf = new MemoryShelf();
    token = start();
  });

  it('is an ES256 JWT of key and team, dated a few seconds back', async () => {
    expect(token.current()).toBeUndefined();
    const [header, claims, signature] = (await token.obtain()).split('.');
    expect(decode(header)).toEqual({ alg: 'ES256', kid: 'KEY1234567' });
    expect(decode(claims)).toEqual({ iss: 'TEAM123456', iat: now / 1_000 - 10 });
    const raw = Buffer.from(signature ?? '', 'base64url');
    expect(raw.length).toBe(64);
    const signed = Buffer.from(`${header}.${claims}`);
    expect(verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
  });

  it('keeps its JWT for 50 minutes and then renews it without delaying senders', async () => {
    const first = await token.obtain();
    now += 50 * MINUTE_MS - 1;
    expect(token.current()).toBe(first);
    expect(shelf.puts).toBe(1);
    now += 1;
    expect([token.current(), token.current()]).toEqual([first, first]);
    const second = await token.obtain();
    expect(second).not.toBe(first);
    expect(token.current()).toBe(second);
    expect(shelf.puts).toBe(2);
  });

  it('uses the JWT that another process stored', async () => {
    const first = await token.obtain();
    now += 49 * MINUTE_MS;
    const late = start();
    expect(await late.obtain()).toBe(first);
    now += MINUTE_MS;
    late.current();
    const second = await late.obtain();
    token.current();
    expect(await token.obtain()).toBe(second);
  });

  it('renews a JWT that Apple calls expired, once for all refused requests', async () => {
    const other = start();
    const first = await token.obtain();
    await other.obtain();
    now += 20 * MINUTE_MS;
    await Promise.all([token.replaceExpired(first), token.replaceExpired(first), other.replaceExpired(first)]);
    const second = token.current();
    expect(second).not.toBe(first);
    expect(other.current()).toBe(second);
    await token.replaceExpired(first);
    expect(token.current()).toBe(second);
    expect(shelf.puts).toBe(4);
  });

  it('keeps a JWT that is younger than 20 minutes', async () => {
    const first = await token.obtain();
    now += 20 * MINUTE_MS - 1;
    await token.replaceExpired(first);
    expect(token.current()).toBe(first);
  });

  it('without the store, uses its JWT for 58 minutes, asks every ten seconds, and then signs its own', async () => {
    const first = await token.obtain();
    shelf.away = true;
    now += 50 * MINUTE_MS;
    for (let second = 0; second < 60; second++, now += 1_000) {
      expect(token.current()).toBe(first);
      // The request that `current` started has ended by then.
      await new Promise(setImmediate);
    }
    expect(shelf.puts).toBe(1 + 6);
    now += 7 * MINUTE_MS;
    expect(token.current()).toBeUndefined();
    const own = await token.obtain();
    expect(own).not.toBe(first);
    expect(token.current()).toBe(own);
  });

  it('without the store, a process that has no JWT signs one', async () => {
    shelf.away = true;
    const own = await token.obtain();
    expect(token.current()).toBe(own);
  });

  it('drops a JWT from the future after the clock was set back', async () => {
    await token.obtain();
    now -= MINUTE_MS;
    expect(token.current()).toBeDefined();
    now -= 1;
    expect(token.current()).toBeUndefined();
  });
});
