import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openHmsSettings, parseHmsSettings } from './hms.settings.js';

const pem = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const OAUTH = { appId: '101234567', clientId: '101234567', clientSecret: 'hush hush' };
const ACCOUNT = { projectId: '99536292', keyId: 'c0ffee', subAccount: '1001', privateKey: pem(2048) };

describe('parseHmsSettings', () => {
  it('accepts an OAuth client', () => {
    const { clientSecret, ...visible } = OAUTH;
    const parsed = parseHmsSettings(OAUTH);
    expect(parsed).toEqual({ visible, secret: { clientSecret } });
    expect(openHmsSettings(parsed)).toEqual({ kind: 'oauth', ...OAUTH });
  });

  it('accepts a service account', () => {
    const { privateKey, ...visible } = ACCOUNT;
    const parsed = parseHmsSettings(ACCOUNT);
    expect(parsed).toEqual({ visible, secret: { privateKey } });
    expect(openHmsSettings(parsed)).toMatchObject({ kind: 'account', ...visible, key: { asymmetricKeyType: 'rsa' } });
  });

  it.each([
    ['appId', {}],
    ['appId', { ...OAUTH, appId: '../1' }],
    ['clientId', { ...OAUTH, clientId: undefined }],
    ['clientSecret', { ...OAUTH, clientSecret: '' }],
    ['clientSecret', { ...ACCOUNT, clientSecret: 'x' }],
    ['projectId', { ...ACCOUNT, projectId: 'a/b' }],
    ['keyId', { ...ACCOUNT, keyId: undefined }],
    ['subAccount', { ...ACCOUNT, subAccount: 7 }],
    ['privateKey', { ...ACCOUNT, privateKey: undefined }],
    ['privateKey', { ...ACCOUNT, privateKey: 'hush' }],
    ['privateKey', { ...ACCOUNT, privateKey: pem(1024) }],
  ])('names the wrong field: %s', (field, input) => {
    expect(() => parseHmsSettings(input)).toThrow(expect.objectContaining({ name: 'InvalidSettings', field }) as Error);
    expect(() => parseHmsSettings(input)).not.toThrow(/hush/);
  });
});
