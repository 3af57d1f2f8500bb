import { describe, expect, it } from 'vitest';
import type { OAuthError } from '../common/errors.js';
import { checkGrantType, parseBasic, parseForm, requestedScope } from './token-request.js';

const FORM = 'application/x-www-form-urlencoded';
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

/** The RFC 6749 code of what was thrown. */
function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as OAuthError).error;
  }
  return 'nothing was refused';
}

describe('parseForm', () => {
  it.each([FORM, 'application/x-www-form-urlencoded; charset=UTF-8', 'Application/X-WWW-Form-Urlencoded ;a=b'])(
    'takes %j',
    (contentType) => {
      expect([...parseForm(contentType, 'grant_type=client_credentials&scope=a+b%20%2A')]).toEqual([
        ['grant_type', 'client_credentials'],
        ['scope', 'a b *'],
      ]);
    },
  );

  it.each([undefined, '', 'application/json', 'text/plain', 'application/x-www-form-urlencodedx'])(
    'refuses %j',
    (contentType) => {
      expect(codeOf(() => parseForm(contentType, 'grant_type=client_credentials'))).toBe('invalid_request');
    },
  );

  it('refuses a parameter given twice (RFC 6749 §3.2)', () => {
    expect(codeOf(() => parseForm(FORM, 'scope=a&scope=b'))).toBe('invalid_request');
  });

  it('a body that is no text has no parameters', () => {
    expect(parseForm(FORM, undefined).size).toBe(0);
    expect(parseForm(FORM, '').size).toBe(0);
  });
});

describe('checkGrantType', () => {
  const check = (grant?: string) => () => checkGrantType(new Map(grant === undefined ? [] : [['grant_type', grant]]));

  it('takes client_credentials', () => {
    expect(check('client_credentials')).not.toThrow();
  });

  it.each([
    [undefined, 'invalid_request'],
    ['', 'invalid_request'],
    ['authorization_code', 'unsupported_grant_type'],
    ['CLIENT_CREDENTIALS', 'unsupported_grant_type'],
    ['client_credentials ', 'unsupported_grant_type'],
  ])('%j is %s', (grant, code) => {
    expect(codeOf(check(grant))).toBe(code);
  });
});

describe('parseBasic', () => {
  it.each<[string, string | undefined, { id: string; secret: string }[]]>([
    ["IBM's own module's", 'Basic cHVzaDpoc3Vw', [{ id: 'push', secret: 'hsup' }]],
    ['one in small letters', 'basic cHVzaDpoc3Vw', [{ id: 'push', secret: 'hsup' }]],
    ['one without padding', 'Basic dGVzdDp0ZXN0MQ', [{ id: 'test', secret: 'test1' }]],
    ['one with spaces about', 'Basic   cHVzaDpoc3Vw  ', [{ id: 'push', secret: 'hsup' }]],
    ['a secret with colons', basic('a:b:c'), [{ id: 'a', secret: 'b:c' }]],
    ['an empty secret', basic('a:'), [{ id: 'a', secret: '' }]],
    ['text beyond ASCII', basic('ü:€'), [{ id: 'ü', secret: '€' }]],
    [
      'a form-encoded one, raw first',
      basic('te+st:p%40ss%3A1'),
      [
        { id: 'te+st', secret: 'p%40ss%3A1' },
        { id: 'te st', secret: 'p@ss:1' },
      ],
    ],
    ['a per cent sign that encodes nothing', basic('a:100%'), [{ id: 'a', secret: '100%' }]],
    ['a per cent sign beside an encoding', basic('a%20b:100%'), [{ id: 'a%20b', secret: '100%' }]],
  ])('reads %s', (_what, header, pairs) => {
    expect(parseBasic(header)).toEqual(pairs);
  });

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['a token', 'Bearer cHVzaDpoc3Vw'],
    ['no credentials', 'Basic'],
    ['nothing behind the word', 'Basic '],
    ['something that is not base64', 'Basic push:hsup'],
    ['no colon', basic('push')],
    ['no id', basic(':hsup')],
  ])('refuses %s', (_what, header) => {
    expect(codeOf(() => parseBasic(header))).toBe('invalid_client');
  });
});

describe('requestedScope', () => {
  const scopeOf = (scope?: string) => requestedScope(new Map(scope === undefined ? [] : [['scope', scope]]));

  it.each<[string | undefined, string]>([
    [undefined, 'RegisteredClient'],
    ['', 'RegisteredClient'],
    ['  ', 'RegisteredClient'],
    ['**', '**'],
    ['push.application.com.acme.bank messages.write', 'push.application.com.acme.bank messages.write'],
    [' a  b ', 'a b'],
  ])('%j is granted as %j', (scope, text) => {
    expect(scopeOf(scope)).toEqual({ text, elements: text.split(' ') });
  });

  it.each(['a\tb', 'é', '"', 'x'.repeat(2_049)])('refuses %j', (scope) => {
    expect(codeOf(() => scopeOf(scope))).toBe('invalid_scope');
  });
});
