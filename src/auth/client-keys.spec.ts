import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { refuseKeySet } from './client-keys.js';

const pair = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits });
const RSA = pair(2_048);
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ED = generateKeyPairSync('ed25519');
const jwk = (key: { export(options: { format: 'jwk' }): object }) => key.export({ format: 'jwk' });

describe('refuseKeySet', () => {
  it('takes public keys of the three kinds', () => {
    expect(refuseKeySet({ keys: [jwk(RSA.publicKey), jwk(EC.publicKey), jwk(ED.publicKey)] })).toBe(undefined);
  });

  it.each([
    ['a private key', { keys: [jwk(EC.publicKey), jwk(EC.privateKey)] }, /^keys\.1 must be a public key/],
    ['a secret', { keys: [{ kty: 'oct', k: 'aHVzaA' }] }, /^keys\.0 must be a public key/],
    ['a short key', { keys: [jwk(pair(1_024).publicKey)] }, /at least 2048 bits/],
    ['another kind', { keys: [jwk(generateKeyPairSync('x25519').publicKey)] }, /RSA, EC or Ed25519/],
    ['text', { keys: ['x'] }, /must be an object/],
    ['no keys', { keys: [] }, /1 to 10 keys/],
    ['no set', jwk(EC.publicKey), /1 to 10 keys/],
    ['nothing', undefined, /1 to 10 keys/],
    ['a long set', { keys: [{ ...jwk(EC.publicKey), x5c: 'x'.repeat(20_000) }] }, /characters/],
  ])('refuses %s', (_name, set, reason) => expect(refuseKeySet(set)).toMatch(reason));
});
