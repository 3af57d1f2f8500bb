import { beforeAll, describe, expect, it } from 'vitest';
import { P12_PASSWORD, makeP12 } from '../../../test/harness/p12.js';
import { InvalidSettings } from '../provider.js';
import { openApnsSettings, parseApnsSettings } from './apns.settings.js';
import { readCertificate } from './apns.certificate.js';

const DAY = 86_400_000;

let p12: Buffer;
let certificate: string;
beforeAll(() => {
  ({ p12, certificate } = makeP12('/UID=com.example.app/CN=Apple Push Services'));
});

async function refusal(input: Record<string, unknown>): Promise<{ field: string; reason: string }> {
  try {
    await parseApnsSettings(input);
  } catch (error) {
    if (error instanceof InvalidSettings) return { field: error.field, reason: error.message };
    throw error;
  }
  throw new Error('was taken');
}

describe('provider certificate', () => {
  it('reads the end date and the bundle id and never returns the key', async () => {
    const settings = await parseApnsSettings({
      certificate: p12.toString('base64'),
      password: P12_PASSWORD,
      isSandBox: 'true',
    });
    expect(settings.visible).toMatchObject({ bundleId: 'com.example.app', isSandBox: true });
    const days = (Date.parse(String(settings.visible.validUntil)) - Date.now()) / DAY;
    expect(days).toBeGreaterThan(29);
    expect(days).toBeLessThanOrEqual(30);
    expect(JSON.stringify(settings.visible)).not.toContain(P12_PASSWORD);
    expect(openApnsSettings(settings)).toEqual({
      bundleId: 'com.example.app',
      isSandBox: true,
      identity: { certificate: { key: expect.stringMatching(/^-----BEGIN PRIVATE KEY/) as string, cert: certificate } },
    });
    expect(settings.secret).toMatchObject({ certificate: p12.toString('base64'), password: P12_PASSWORD });
  });

  it('refuses an expired certificate', async () => {
    await expect(readCertificate(p12, P12_PASSWORD, Date.now() + 31 * DAY)).rejects.toThrow(/has expired on/);
  });

  it('refuses a wrong password and does not repeat it in the error', async () => {
    const { field, reason } = await refusal({ certificate: p12.toString('base64'), password: 'guess-me' });
    expect(field).toBe('password');
    expect(reason).not.toContain('guess-me');
  });

  it('refuses a file with a retired cipher and says how to export it again', async () => {
    const { p12: old } = makeP12('/UID=com.example.app', '-legacy');
    expect(await refusal({ certificate: old.toString('base64'), password: P12_PASSWORD })).toEqual({
      field: 'certificate',
      reason: expect.stringMatching(/openssl pkcs12 -legacy/) as string,
    });
  });

  it('refuses a file without a private key', async () => {
    const { p12: keyless } = makeP12('/UID=com.example.app', '-nokeys');
    expect(await refusal({ certificate: keyless.toString('base64'), password: P12_PASSWORD })).toEqual({
      field: 'certificate',
      reason: expect.stringMatching(/holds no private key/) as string,
    });
  });

  it('keeps the name of its file, or a default name', async () => {
    const input = { certificate: p12.toString('base64'), password: P12_PASSWORD };
    expect((await parseApnsSettings(input)).visible.certificate).toBe('certificate.p12');
    expect((await parseApnsSettings({ ...input, fileName: 'Förder App.p12' })).visible.certificate).toBe(
      'Förder App.p12',
    );
  });

  it.each(['', 'a/b', 'a\\b', 'a\nb', 'x'.repeat(256), 7])('refuses the file name %j', async (fileName) => {
    expect((await refusal({ certificate: p12.toString('base64'), password: P12_PASSWORD, fileName })).field).toBe(
      'fileName',
    );
  });

  it.each([
    ['not base64 of a .p12 file', { certificate: 'AAAA', password: P12_PASSWORD }, 'certificate'],
    ['not text', { certificate: 7 }, 'certificate'],
    ['a key beside the certificate', { certificate: 'AAAA', keyId: 'KEY1234567' }, 'keyId'],
  ])('refuses a certificate: %s', async (_name, input, field) => {
    expect((await refusal(input)).field).toBe(field);
  });

  it('requires bundleId if the certificate names none', async () => {
    const nameless = { certificate: makeP12('/CN=Apple').p12.toString('base64'), password: P12_PASSWORD };
    expect((await refusal(nameless)).field).toBe('bundleId');
    expect((await parseApnsSettings({ ...nameless, bundleId: 'com.example.other' })).visible.bundleId).toBe(
      'com.example.other',
    );
  });
});
