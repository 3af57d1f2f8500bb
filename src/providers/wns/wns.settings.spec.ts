import { describe, expect, it } from 'vitest';
import { openWnsSettings, parseWnsSettings } from './wns.settings.js';

const SECRET = 'vce12345~!';
const PACKAGE = { packageSID: 'ms-app://s-1-15-2-1-22-333-4444-5-6-7', clientSecret: SECRET };
const ENTRA = { tenantId: 'acme.example', clientId: '01234567-89ab-cdef-0123-456789abcdef', clientSecret: SECRET };

describe('parseWnsSettings', () => {
  it.each([
    ['package', PACKAGE],
    ['entra', ENTRA],
  ])('%s: returns all fields except the secret and opens them again', (kind, input) => {
    const { clientSecret, ...visible } = input;
    const parsed = parseWnsSettings(input);
    expect(parsed).toEqual({ visible, secret: { clientSecret } });
    expect(openWnsSettings(parsed)).toEqual({ kind, ...input });
  });

  it.each([
    ['packageSID', {}],
    ['packageSID', { ...PACKAGE, packageSID: 's-1-15-2-1' }],
    ['packageSID', { ...PACKAGE, packageSID: 'ms-app://s-1-15-2-1&x=y' }],
    ['clientSecret', { ...PACKAGE, clientSecret: '' }],
    ['clientSecret', { packageSID: PACKAGE.packageSID }],
    ['clientId', { ...PACKAGE, clientId: ENTRA.clientId }],
    ['tenantId', { ...ENTRA, tenantId: '../common' }],
    ['tenantId', { clientId: ENTRA.clientId, clientSecret: SECRET }],
    ['clientId', { ...ENTRA, clientId: 'me' }],
    ['clientSecret', { ...ENTRA, clientSecret: 7 }],
  ])('names %s in %j', (field, input) => {
    expect(() => parseWnsSettings(input)).toThrow(expect.objectContaining({ name: 'InvalidSettings', field }) as Error);
  });

  it('never repeats the input', () => {
    expect(() => parseWnsSettings({ ...PACKAGE, packageSID: 'hush' })).not.toThrow(/hush/);
  });
});
