import { describe, expect, it } from 'vitest';
import { readUpstreamToken, scopeOf, upstreamGrant } from './upstream.token.js';

const SCOPE = scopeOf('com.acme.bank');

describe('upstreamGrant', () => {
  const credentials = { baseUrl: 'http://h/mfp', clientId: 'relay', secret: 'p@ss:1' };
  const url = 'http://h/mfp/api/az/v1/token';

  it('requests messages.write and the application with id and secret as they are', () => {
    const grant = upstreamGrant(credentials, url, 'com.acme.bank');
    expect(grant.url).toBe(url);
    expect(grant.form(0)).toEqual({
      grant_type: 'client_credentials',
      scope: 'messages.write push.application.com.acme.bank',
    });
    expect(grant.authorization).toBe(`Basic ${Buffer.from('relay:p@ss:1').toString('base64')}`);
  });

  it('has a different shelf name per credential, address and application', () => {
    const names = [
      upstreamGrant(credentials, url, 'com.acme.bank'),
      upstreamGrant({ ...credentials, secret: 'other' }, url, 'com.acme.bank'),
      upstreamGrant({ ...credentials, clientId: 'other' }, url, 'com.acme.bank'),
      upstreamGrant(credentials, `${url}2`, 'com.acme.bank'),
      upstreamGrant(credentials, url, 'com.acme.shop'),
    ].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.join()).not.toContain('p@ss');
  });
});

describe('readUpstreamToken', () => {
  const read = (status: number, body: unknown) =>
    readUpstreamToken(status, typeof body === 'string' ? body : JSON.stringify(body), SCOPE);

  it('reads a token', () => {
    expect(read(200, { access_token: 'a', expires_in: 3599, token_type: 'Bearer', scope: SCOPE })).toEqual({
      token: 'a',
      expiresIn: 3599,
    });
  });

  it.each<[number, unknown, string, RegExp]>([
    [400, { error: 'invalid_client' }, 'stopApplication', /invalid_client: .*client id.*upstreamConf/],
    [401, { error: 'invalid_client' }, 'stopApplication', /invalid_client: /],
    [401, 'Unauthorized', 'stopApplication', /HTTP 401: .*client id/],
    [400, { error: 'invalid_scope' }, 'stopApplication', /invalid_scope: .*push\.application\.com\.acme\.bank/],
    [400, { error: 'unsupported_grant_type' }, 'stopApplication', /unsupported_grant_type/],
    [302, '', 'stopApplication', /HTTP 302: .*baseUrl/],
    [404, '<html>', 'retryBackoff', /HTTP 404.*baseUrl/],
    [500, '<html>', 'retryBackoff', /HTTP 500/],
    [503, '', 'retryBackoff', /HTTP 503/],
    [429, '', 'retryBackoff', /HTTP 429/],
    [200, '<html>', 'retryBackoff', /malformed/],
  ])('%i %j', (status, body, action, reason) => {
    expect(read(status, body)).toEqual({
      verdict: expect.objectContaining({ action, reason: expect.stringMatching(reason) as unknown }) as unknown,
    });
  });
});
