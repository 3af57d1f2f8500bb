import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidSettings } from '../provider.js';
import { openFcmSettings, parseFcmSettings } from './fcm.settings.js';

const rsa = (modulusLength: number): string =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const KEY = rsa(2048);
const VALID = {
  type: 'service_account',
  project_id: 'acme-1',
  private_key_id: 'abc123',
  private_key: KEY,
  client_email: 'push@acme-1.iam.gserviceaccount.com',
  client_id: '1',
  token_uri: 'https://oauth2.googleapis.com/token',
};

const GOOGLE = ['oauth2.googleapis.com', 'accounts.google.com', 'www.googleapis.com'];
const RULES = { tokenHosts: GOOGLE, production: false };
const LIVE = { tokenHosts: GOOGLE, production: true };

function refusedField(input: Record<string, unknown>): string {
  try {
    parseFcmSettings(input, RULES);
  } catch (error) {
    if (!(error instanceof InvalidSettings)) throw error;
    expect(error.message).not.toMatch(/PRIVATE KEY-|secret/);
    return error.field;
  }
  return 'none';
}

describe('parseFcmSettings', () => {
  it.each([
    ['plain', VALID],
    ['wrapped', { serviceAccount: VALID }],
  ])("accepts Google's JSON %s", (_how, input) => {
    expect(parseFcmSettings(input, RULES)).toEqual({
      visible: { projectId: 'acme-1', clientEmail: 'push@acme-1.iam.gserviceaccount.com' },
      secret: { privateKey: KEY, keyId: 'abc123', tokenUri: 'https://oauth2.googleapis.com/token' },
    });
  });

  it.each([
    'http://127.0.0.1:9000/token',
    'http://localhost/token',
    'http://[::1]:1/token',
    'https://accounts.google.com/o/oauth2/token',
  ])('accepts %s as token_uri', (token_uri) => {
    expect(refusedField({ ...VALID, token_uri })).toBe('none');
  });

  it.each([
    ['type', 'authorized_user'],
    ['project_id', undefined],
    ['project_id', '../x'],
    ['project_id', 'Acme/1'],
    ['client_email', 'secret'],
    ['client_email', undefined],
    ['private_key', undefined],
    ['private_key', 'secret'],
    ['private_key', rsa(1024)],
    [
      'private_key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
    ['private_key_id', 7],
    ['token_uri', undefined],
    ['token_uri', 'not a url'],
    ['token_uri', 'http://oauth2.googleapis.com/token'],
    ['token_uri', 'http://127.0.0.1.example.com/token'],
    ['token_uri', 'http://localhost.example.com/token'],
    ['token_uri', 'file:///etc/passwd'],
    ['token_uri', 'https://example.com/token'],
    ['token_uri', 'https://secret:secret@example.com/token'],
  ])('refuses %s %#', (field, value) => {
    expect(refusedField({ ...VALID, [field]: value })).toBe(field);
  });

  it("refuses serviceAccount that is not Google's JSON", () => {
    expect(refusedField({ serviceAccount: 'secret' })).toBe('serviceAccount');
  });
});

describe('token_uri in production', () => {
  const kept = { visible: { projectId: 'a', clientEmail: 'b@c' }, secret: { privateKey: KEY } };
  const isKept = (tokenUri: string, rules: typeof LIVE) =>
    openFcmSettings({ ...kept, secret: { ...kept.secret, tokenUri } }, rules).tokenUri === tokenUri;

  it.each([
    'https://oauth2.googleapis.com/token',
    'https://accounts.google.com/o/oauth2/token',
    'https://www.googleapis.com/oauth2/v4/token',
  ])('accepts %s', (token_uri) => {
    expect(parseFcmSettings({ ...VALID, token_uri }, LIVE).secret.tokenUri).toBe(token_uri);
    expect(isKept(token_uri, LIVE)).toBe(true);
  });

  it.each([
    'http://127.0.0.1:22/',
    'https://127.0.0.1:22/',
    'https://localhost/token',
    'https://169.254.169.254/latest/meta-data',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'http://oauth2.googleapis.com/token',
    'https://oauth2.googleapis.com:8443/token',
    'https://oauth2.googleapis.com.evil.example/token',
    'https://oauth2.googleapis.com./token',
    'https://evil.example/oauth2.googleapis.com',
    'https://oauth2.googleapis.com@evil.example/token',
  ])('refuses %s, also in stored settings', (token_uri) => {
    expect(() => parseFcmSettings({ ...VALID, token_uri }, LIVE)).toThrow(InvalidSettings);
    expect(() => isKept(token_uri, LIVE)).toThrow(InvalidSettings);
  });

  it('accepts a host that a setting lists', () => {
    const rules = { tokenHosts: ['sts.example:8443'], production: true };
    expect(isKept('https://sts.example:8443/token', rules)).toBe(true);
    expect(() => isKept('https://oauth2.googleapis.com/token', rules)).toThrow(/FCM_TOKEN_HOSTS \(sts\.example:8443\)/);
    expect(() => isKept('http://sts.example:8443/token', rules)).toThrow(/https/);
  });
});

it('openFcmSettings imports the output of parseFcmSettings', () => {
  const { key, ...rest } = openFcmSettings(parseFcmSettings(VALID, RULES), RULES);
  expect(key.type).toBe('private');
  expect(rest).toEqual({
    projectId: 'acme-1',
    clientEmail: 'push@acme-1.iam.gserviceaccount.com',
    keyId: 'abc123',
    tokenUri: 'https://oauth2.googleapis.com/token',
  });
});
