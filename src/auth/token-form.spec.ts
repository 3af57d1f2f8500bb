import { describe, expect, it } from 'vitest';
import type { OAuthError } from '../common/errors.js';
import { parseForm, readAssertion, refuseOtherCredentials, requireParameter } from './token-form.js';

const FORM = 'application/x-www-form-urlencoded';

/** The RFC 6749 code of the thrown error. */
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
    'parseForm accepts %j',
    (contentType) => {
      expect([...parseForm(contentType, 'grant_type=client_credentials&scope=a+b%20%2A')]).toEqual([
        ['grant_type', 'client_credentials'],
        ['scope', 'a b *'],
      ]);
    },
  );

  it.each([undefined, '', 'application/json', 'text/plain', 'application/x-www-form-urlencodedx'])(
    'parseForm refuses %j',
    (contentType) => {
      expect(codeOf(() => parseForm(contentType, 'grant_type=client_credentials'))).toBe('invalid_request');
    },
  );

  it('refuses a repeated parameter (RFC 6749 §3.2)', () => {
    expect(codeOf(() => parseForm(FORM, 'scope=a&scope=b'))).toBe('invalid_request');
  });

  it('refuses a body that is longer than any valid form', () => {
    expect(codeOf(() => parseForm(FORM, `scope=${'a'.repeat(16_378)}`))).toBe('nothing was refused');
    expect(codeOf(() => parseForm(FORM, `scope=${'a'.repeat(16_379)}`))).toBe('invalid_request');
  });

  it('a body that is not text has no parameters', () => {
    expect(parseForm(FORM, undefined).size).toBe(0);
    expect(parseForm(FORM, '').size).toBe(0);
  });
});

describe('requireParameter', () => {
  it('treats an empty value as absent (RFC 6749 §3.2)', () => {
    expect(requireParameter(new Map([['token', 'a']]), 'token')).toBe('a');
    expect(codeOf(() => requireParameter(new Map([['token', '']]), 'token'))).toBe('invalid_request');
    expect(codeOf(() => requireParameter(new Map(), 'token'))).toBe('invalid_request');
  });
});

describe('refuseOtherCredentials', () => {
  it.each(['client_secret', 'client_assertion'])('refuses %s besides the Basic header', (name) => {
    expect(codeOf(() => refuseOtherCredentials(new Map([[name, 'x']]), 'client_assertion'))).toBe('invalid_request');
  });

  it('an assertion is read without a header, with its type', () => {
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    const form = (given: string) =>
      new Map([
        ['client_assertion', 'x'],
        ['client_assertion_type', given],
      ]);
    expect(readAssertion(form(type), undefined)).toBe('x');
    expect(readAssertion(new Map(), 'Basic eDp5')).toBe(undefined);
    expect(codeOf(() => readAssertion(form(type), 'Basic eDp5'))).toBe('invalid_request');
    expect(codeOf(() => readAssertion(form('saml2-bearer'), undefined))).toBe('invalid_request');
  });

  it('a client_id without a secret is ignored', () => {
    expect(() => refuseOtherCredentials(new Map([['client_id', 'x']]))).not.toThrow();
  });
});
