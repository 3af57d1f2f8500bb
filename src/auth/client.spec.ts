import { describe, expect, it } from 'vitest';
import { isClientId, isSecret, liveSecrets, mayAdminister } from './client.js';
import type { Client } from './client.js';

const NOW = Date.parse('2026-11-23T10:00:00Z');

describe('isClientId', () => {
  it.each(['a', 'shop', 'te st', 'a/b?c', '...', '~!"', 'i'.repeat(255)])('isClientId accepts %j', (id) => {
    expect(isClientId(id)).toBe(true);
  });

  it.each(['', ' a', 'a ', 'a:b', 'é', 'a\nb', '.', '..', ' ', 'i'.repeat(256)])('isClientId refuses %j', (id) => {
    expect(isClientId(id)).toBe(false);
  });
});

describe('isSecret', () => {
  it.each(['x', ' a:b ', 's'.repeat(255)])('isSecret accepts %j', (secret) => expect(isSecret(secret)).toBe(true));
  it.each(['', 'é', 'a\tb', 's'.repeat(256)])('isSecret refuses %j', (secret) => expect(isSecret(secret)).toBe(false));
});

it('liveSecrets returns the secrets that have not expired', () => {
  const secret = (id: number, expiresAt: number | null) => ({
    id,
    hash: '',
    createdAt: new Date(NOW),
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
    lastUsedAt: null,
  });
  const client = { secrets: [secret(3, null), secret(2, NOW + 1), secret(1, NOW)] } as Client;
  expect(liveSecrets(client, NOW).map(({ id }) => id)).toEqual([3, 2]);
});

it.each<[string, boolean, boolean]>([
  ['mfpadmin', true, true],
  ['messages.write mfp*', true, true],
  ['*', true, true],
  ['*', false, false],
  ['mfpadmin.x mfp.admin.plugins', true, false],
  ['', true, false],
])('a client with the scope %j (enabled: %j) may administer: %j', (allowedScope, enabled, expected) => {
  expect(mayAdminister({ allowedScope, enabled })).toBe(expected);
});
