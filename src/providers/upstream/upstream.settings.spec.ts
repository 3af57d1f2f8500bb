import { describe, expect, it } from 'vitest';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { endpointsOf, openUpstreamSettings, parseUpstreamSettings } from './upstream.settings.js';

const ANYWHERE = { hosts: [], production: false };
const GIVEN = { baseUrl: 'http://mobilefirst.internal:9080/mfp', clientId: 'relay', secret: 'pass w:ord' };

function refusal(input: Record<string, unknown>, current?: ProviderSettings): InvalidSettings {
  try {
    parseUpstreamSettings(input, ANYWHERE, current);
  } catch (error) {
    if (error instanceof InvalidSettings) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('parseUpstreamSettings', () => {
  it('relays everything by default and returns all fields except the secret', () => {
    const parsed = parseUpstreamSettings(GIVEN, ANYWHERE);
    expect(parsed).toEqual({
      visible: { baseUrl: GIVEN.baseUrl, clientId: 'relay', mode: 'upstream' },
      secret: { secret: 'pass w:ord' },
    });
    expect(openUpstreamSettings(parsed, ANYWHERE)).toEqual(GIVEN);
  });

  it.each<[Record<string, unknown>, string, RegExp]>([
    [{ baseUrl: undefined }, 'baseUrl', /http: or https:/],
    [{ baseUrl: 'mobilefirst:9080' }, 'baseUrl', /http: or https:/],
    [{ baseUrl: 'ftp://mobilefirst/mfp' }, 'baseUrl', /http: or https:/],
    [{ baseUrl: 'https://me:pw@mobilefirst/mfp' }, 'baseUrl', /not contain credentials/],
    [{ baseUrl: 'https://mobilefirst/mfp?x=1' }, 'baseUrl', /end with the path/],
    [{ baseUrl: 'https://mobilefirst/mfp/api/az/v1/token' }, 'baseUrl', /without \/api or \/imfpush/],
    [{ baseUrl: 'https://mobilefirst/imfpush/v1' }, 'baseUrl', /without \/api or \/imfpush/],
    [{ clientId: 'a:b' }, 'clientId', /without colon/],
    [{ clientId: 'ü' }, 'clientId', /ASCII/],
    [{ clientId: '' }, 'clientId', /ASCII/],
    [{ secret: undefined }, 'secret', /ASCII/],
    [{ secret: 'geheim\n' }, 'secret', /ASCII/],
    [{ secret: 7 }, 'secret', /ASCII/],
    [{ mode: 'all' }, 'mode', /direct, upstream, both/],
    [{ mode: 'both' }, 'share', /per cent/],
    [{ mode: 'both', share: 10.5 }, 'share', /0 to 100/],
    [{ mode: 'both', share: 101 }, 'share', /0 to 100/],
    [{ mode: 'both', share: '10' }, 'share', /0 to 100/],
    [{ mode: 'direct', share: 10 }, 'share', /mode both/],
    [{ modus: 'both' }, 'modus', /not a field of the upstream/],
  ])('refuses %j', (change, field, reason) => {
    const { field: named, message } = refusal({ ...GIVEN, ...change });
    expect([named, message]).toEqual([field, expect.stringMatching(reason)]);
    expect(message).not.toContain('w:ord');
  });

  it('keeps secret, mode and share if they are not given again', () => {
    const before = parseUpstreamSettings({ ...GIVEN, mode: 'both', share: 20 }, ANYWHERE);
    const { secret: _secret, ...again } = GIVEN;
    expect(parseUpstreamSettings(again, ANYWHERE, before)).toEqual(before);
    expect(parseUpstreamSettings({ ...again, share: 30 }, ANYWHERE, before).visible).toMatchObject({
      mode: 'both',
      share: 30,
    });
    expect(parseUpstreamSettings({ ...again, mode: 'direct' }, ANYWHERE, before)).toEqual({
      visible: { baseUrl: GIVEN.baseUrl, clientId: 'relay', mode: 'direct' },
      secret: before.secret,
    });
    // A trailing slash is the same address.
    expect(parseUpstreamSettings({ ...again, baseUrl: `${GIVEN.baseUrl}/` }, ANYWHERE, before).secret).toEqual(
      before.secret,
    );
  });

  it.each([{ baseUrl: 'http://elsewhere/mfp' }, { clientId: 'other' }])('does not keep the secret for %j', (change) => {
    const { secret: _secret, ...again } = GIVEN;
    expect(refusal({ ...again, ...change }, parseUpstreamSettings(GIVEN, ANYWHERE)).field).toBe('secret');
  });
});

describe('addresses of an upstream', () => {
  const LISTED = ['mobilefirst.internal:9080', '10.1.2.3', '*.mf.example'];
  it.each<[boolean, string, readonly string[], string]>([
    [false, 'http://mobilefirst.internal:9080/mfp', [], 'development'],
    [false, 'http://127.0.0.1:9080/mfp', [], 'development'],
    [false, 'https://mf.example/mfp', [], 'production'],
    [true, 'http://mf.example/mfp', [], 'production'],
    [true, 'https://127.0.0.1/mfp', [], 'production'],
    [true, 'https://2130706433/mfp', [], 'production'],
    [true, 'https://0x7f.1/mfp', [], 'production'],
    [true, 'https://0177.0.0.1/mfp', [], 'production'],
    [true, 'https://[::ffff:169.254.169.254]/mfp', [], 'production'],
    [true, 'https://169.254.169.254/latest', [], 'production'],
    [true, 'https://localhost/mfp', [], 'production'],
    [false, 'http://mobilefirst.internal:9080/mfp', LISTED, 'production'],
    [false, 'http://10.1.2.3/mfp', LISTED, 'production'],
    [false, 'http://a.mf.example/mfp', LISTED, 'production'],
    [true, 'http://mobilefirst.internal/mfp', LISTED, 'production'],
    [true, 'https://mf.example/mfp', LISTED, 'production'],
    [true, 'http://127.0.0.1:9080/mfp', LISTED, 'development'],
  ])('refused %j: %s, listed hosts %j, in %s', (refused, baseUrl, hosts, environment) => {
    const rules = { hosts, production: environment === 'production' };
    const parse = () => parseUpstreamSettings({ ...GIVEN, baseUrl }, rules);
    const kept = parseUpstreamSettings({ ...GIVEN, baseUrl }, ANYWHERE);
    if (!refused) {
      expect(openUpstreamSettings(parse(), rules).baseUrl).toBe(baseUrl);
      return;
    }
    expect(parse).toThrow(/UPSTREAM_HOSTS/);
    expect(() => openUpstreamSettings(kept, rules)).toThrow(InvalidSettings);
  });
});

describe('endpointsOf', () => {
  it.each([
    ['http://h:9080', 'http://h:9080/mfp/api/az/v1/token', 'http://h:9080/imfpush/v1/apps/com.acme.bank/messages'],
    [
      'http://h:9080/bank',
      'http://h:9080/bank/api/az/v1/token',
      'http://h:9080/imfpush/v1/apps/com.acme.bank/messages',
    ],
    [
      'https://gateway/mobile/mfp',
      'https://gateway/mobile/mfp/api/az/v1/token',
      'https://gateway/mobile/imfpush/v1/apps/com.acme.bank/messages',
    ],
  ])('%s', (baseUrl, tokenUrl, messagesUrl) => {
    expect(endpointsOf(baseUrl, 'com.acme.bank')).toEqual({ tokenUrl, messagesUrl });
  });
});
