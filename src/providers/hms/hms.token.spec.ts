import { constants, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { clientGrant, ServiceAccountTokens } from './hms.token.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const MINUTE_MS = 60_000;

it('requests a token with client credentials', () => {
  const grant = clientGrant({ kind: 'oauth', appId: '1', clientId: '2', clientSecret: 'hush' }, 'https://o.example/t');
  expect([grant.url, grant.form(0)]).toEqual([
    'https://o.example/t',
    { grant_type: 'client_credentials', client_id: '2', client_secret: 'hush' },
  ]);
});

describe('ServiceAccountTokens', () => {
  let now = Date.parse('2026-11-23T10:00:00Z');
  const account = { kind: 'account', projectId: '1', keyId: 'k1', subAccount: 's1', key: privateKey } as const;
  const tokens = new ServiceAccountTokens(account, () => now);

  it('signs a PS256 JWT for the token endpoint, valid for an hour', () => {
    const [header, claims, signature] = tokens.current().split('.') as [string, string, string];
    const decode = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(decode(header)).toEqual({ alg: 'PS256', typ: 'JWT', kid: 'k1' });
    const iat = now / 1_000 - 10;
    const aud = 'https://oauth-login.cloud.huawei.com/oauth2/v3/token';
    expect(decode(claims)).toEqual({ iss: 's1', aud, iat, exp: iat + 3_600 });
    const key = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it('keeps a JWT for 50 minutes or until it is refused', async () => {
    const first = tokens.current();
    now += 50 * MINUTE_MS - 1;
    expect(tokens.current()).toBe(first);
    now += 1;
    const second = tokens.current();
    expect(second).not.toBe(first);
    tokens.refuse(first);
    expect(tokens.current()).toBe(second);
    now += 1_000;
    tokens.refuse(second);
    expect(await tokens.obtain()).toEqual({ token: tokens.current() });
    expect(tokens.current()).not.toBe(second);
  });
});
