import { describe, expect, it } from 'vitest';
import { InvalidSettings, type ProviderSettings } from '../providers/provider.js';
import { endpointsOf, openUpstreamSettings, parseUpstreamSettings } from './upstream.settings.js';

const GIVEN = { baseUrl: 'http://mobilefirst.internal:9080/mfp', clientId: 'relay', secret: 'pass w:ord' };

function refusal(input: Record<string, unknown>, current?: ProviderSettings): InvalidSettings {
  try {
    parseUpstreamSettings(input, current);
  } catch (error) {
    if (error instanceof InvalidSettings) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('parseUpstreamSettings', () => {
  it('relays everything unless it is told otherwise, and shows all but the secret', () => {
    const parsed = parseUpstreamSettings(GIVEN);
    expect(parsed).toEqual({
      visible: { baseUrl: GIVEN.baseUrl, clientId: 'relay', mode: 'upstream' },
      secret: { secret: 'pass w:ord' },
    });
    expect(openUpstreamSettings(parsed)).toEqual(GIVEN);
  });

  it.each<[Record<string, unknown>, string, RegExp]>([
    [{ baseUrl: undefined }, 'baseUrl', /http: or https:/],
    [{ baseUrl: 'mobilefirst:9080' }, 'baseUrl', /http: or https:/],
    [{ baseUrl: 'ftp://mobilefirst/mfp' }, 'baseUrl', /http: or https:/],
    [{ baseUrl: 'https://me:pw@mobilefirst/mfp' }, 'baseUrl', /no credentials/],
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
    [{ modus: 'both' }, 'modus', /no field of the upstream/],
  ])('refuses %j', (change, field, reason) => {
    const { field: named, message } = refusal({ ...GIVEN, ...change });
    expect([named, message]).toEqual([field, expect.stringMatching(reason)]);
    expect(message).not.toContain('w:ord');
  });

  it('keeps secret, mode and share that are not given again', () => {
    const before = parseUpstreamSettings({ ...GIVEN, mode: 'both', share: 20 });
    const { secret: _secret, ...again } = GIVEN;
    expect(parseUpstreamSettings(again, before)).toEqual(before);
    expect(parseUpstreamSettings({ ...again, share: 30 }, before).visible).toMatchObject({ mode: 'both', share: 30 });
    expect(parseUpstreamSettings({ ...again, mode: 'direct' }, before)).toEqual({
      visible: { baseUrl: GIVEN.baseUrl, clientId: 'relay', mode: 'direct' },
      secret: before.secret,
    });
    // A slash at the end is the same address.
    expect(parseUpstreamSettings({ ...again, baseUrl: `${GIVEN.baseUrl}/` }, before).secret).toEqual(before.secret);
  });

  it.each([{ baseUrl: 'http://elsewhere/mfp' }, { clientId: 'other' }])('keeps no secret for %j', (change) => {
    const { secret: _secret, ...again } = GIVEN;
    expect(refusal({ ...again, ...change }, parseUpstreamSettings(GIVEN)).field).toBe('secret');
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
