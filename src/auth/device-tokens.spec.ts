import { generateKeyPair } from 'jose';
import { KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../common/clock.js';
import { AccessTokens } from './access-tokens.js';
import { DeviceTokens, isDeviceToken } from './device-tokens.js';
import { ALGORITHM } from './signing-keys.js';
import type { SigningKeys } from './signing-keys.js';

const DEVICE = { applicationId: 'com.acme', deviceId: 'é😀', seq: 7, userId: null };

describe('tokens of one signing key', () => {
  let now = Date.parse('2026-11-30T12:00:00Z');
  let devices: DeviceTokens;
  let clients: AccessTokens;
  beforeAll(async () => {
    const pair = await generateKeyPair(ALGORITHM, { extractable: true });
    const key = { kid: 'k', sign: KeyObject.from(pair.privateKey), verify: pair.publicKey };
    const keys = {
      current: () => key,
      find: (kid: string) => Promise.resolve(kid === 'k' ? key : undefined),
    } as unknown as SigningKeys;
    const clock = { now: () => now } as Clock;
    devices = new DeviceTokens(keys, clock);
    clients = new AccessTokens(keys, clock);
  });

  it('a device token tells its device until it expires', async () => {
    const token = devices.issue(DEVICE, now + 60_000);
    expect(isDeviceToken(token)).toBe(true);
    expect(await devices.read(token)).toMatchObject(DEVICE);
    now += 59_000;
    expect(await devices.read(token)).toMatchObject({ expiresAt: now + 1_000 });
    now += 2_000;
    expect(await devices.read(token)).toBeNull();
  });

  it('no kind of token is read as the other', async () => {
    const access = clients.issue({ id: 'shop', generation: 1 }, '*');
    expect(isDeviceToken(access)).toBe(false);
    expect(await devices.read(access)).toBeNull();
    expect(await clients.read(devices.issue(DEVICE, now + 60_000))).toBeNull();
  });

  it.each([[''], ['a.b.c'], ['x'.repeat(32)], ['x'.repeat(10_000)]])('%.10s is no device token', async (text) => {
    expect(isDeviceToken(text)).toBe(false);
    expect(await devices.read(text)).toBeNull();
  });
});
