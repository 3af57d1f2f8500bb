import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidSettings } from '../provider.js';
import { openApnsSettings, parseApnsSettings } from './apns.settings.js';

const pem = (curve: string): string =>
  generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const KEY = pem('P-256');
const VALID = { key: KEY, keyId: 'KEY1234567', teamId: 'TEAM123456', bundleId: 'com.example.app' };

function refusedField(input: Record<string, unknown>): string {
  try {
    parseApnsSettings({ ...VALID, ...input });
  } catch (error) {
    if (!(error instanceof InvalidSettings)) throw error;
    expect(error.message).not.toMatch(/PRIVATE KEY|secret/);
    return error.field;
  }
  return 'none';
}

describe('parseApnsSettings', () => {
  it('encrypts the key and returns the other fields', () => {
    const { visible, secret } = parseApnsSettings(VALID);
    expect(visible).toEqual({
      keyId: 'KEY1234567',
      teamId: 'TEAM123456',
      bundleId: 'com.example.app',
      isSandBox: false,
    });
    expect(secret).toEqual({ key: KEY });
  });

  it.each([
    [true, true],
    ['true', true],
    [false, false],
    ['false', false],
    [undefined, false],
  ])('reads isSandBox %j as %j', (value, expected) => {
    expect(parseApnsSettings({ ...VALID, isSandBox: value }).visible.isSandBox).toBe(expected);
  });

  it.each([
    ['key', undefined],
    ['key', 'secret'],
    ['key', { pem: KEY }],
    ['key', pem('P-384')],
    ['key', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['key', generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' })],
    ['keyId', 'KEY123456'],
    ['keyId', 'key1234567'],
    ['keyId', 1234567890],
    ['teamId', 'TEAM1234567'],
    ['teamId', undefined],
    ['bundleId', ''],
    ['bundleId', 'com.example app'],
    ['bundleId', 'com.example\r\nx'],
    ['isSandBox', 'yes'],
    ['isSandBox', 1],
    ['isSandbox', true],
  ])('refuses %s %#', (field, value) => {
    expect(refusedField({ ...VALID, [field]: value })).toBe(field);
  });

  it('shortens a long unknown field name in the error', () => {
    expect(refusedField({ ...VALID, ['x'.repeat(1_000)]: 1 })).toHaveLength(41);
  });
});

it('openApnsSettings imports the output of parseApnsSettings', () => {
  expect(openApnsSettings(parseApnsSettings({ ...VALID, isSandBox: 'true' }))).toEqual({
    bundleId: 'com.example.app',
    isSandBox: true,
    identity: {
      key: { key: expect.objectContaining({ type: 'private' }) as unknown, keyId: 'KEY1234567', teamId: 'TEAM123456' },
    },
  });
});
