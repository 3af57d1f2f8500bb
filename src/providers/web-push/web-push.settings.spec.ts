import { createECDH, createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidSettings } from '../provider.js';
import { openWebPushSettings, parseWebPushSettings } from './web-push.settings.js';

const subject = 'mailto:push@example.com';
/** The sender's key pair of RFC 8291. */
const PAIR = {
  publicKey: 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8',
  privateKey: 'yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw',
};
const OTHER = createECDH('prime256v1').generateKeys('base64url');

function refusal(input: Record<string, unknown>): InvalidSettings {
  try {
    parseWebPushSettings(input);
  } catch (error) {
    if (error instanceof InvalidSettings) return error;
  }
  throw new Error('it was not refused');
}

describe('parseWebPushSettings', () => {
  it('returns subject and public key and hides the private key', () => {
    expect(parseWebPushSettings({ subject, ...PAIR })).toEqual({
      visible: { subject, publicKey: PAIR.publicKey },
      secret: { privateKey: PAIR.privateKey },
    });
  });

  it('writes base64 as base64url', () => {
    const base64 = (text: string): string => Buffer.from(text, 'base64url').toString('base64');
    const settings = parseWebPushSettings({
      subject,
      publicKey: base64(PAIR.publicKey),
      privateKey: base64(PAIR.privateKey),
    });
    expect(settings.visible.publicKey).toBe(PAIR.publicKey);
  });

  it('makes a matching pair if none is given, a new one each time', () => {
    const made = [1, 2].map(() => parseWebPushSettings({ subject }));
    expect(made[0]!.visible.publicKey).not.toBe(made[1]!.visible.publicKey);
    for (const { visible, secret } of made)
      expect(parseWebPushSettings({ ...visible, ...secret })).toEqual({ visible, secret });
  });

  it('keeps the existing pair if none is sent, or if the returned public key is sent back', () => {
    const current = parseWebPushSettings({ subject, ...PAIR });
    const changed = 'https://example.com/contact';
    const kept = { visible: { subject: changed, publicKey: PAIR.publicKey }, secret: current.secret };
    expect(parseWebPushSettings({ subject: changed }, current)).toEqual(kept);
    expect(parseWebPushSettings({ subject: changed, publicKey: PAIR.publicKey }, current)).toEqual(kept);
    expect(() => parseWebPushSettings({ subject, publicKey: OTHER }, current)).toThrow(InvalidSettings);
  });

  it.each([
    [{}, 'subject'],
    [{ subject: 'push@example.com' }, 'subject'],
    [{ subject: 'mailto: push@example.com' }, 'subject'],
    [{ subject: 'mailto:<push@example.com>' }, 'subject'],
    [{ subject: 'http://example.com' }, 'subject'],
    [{ subject: `mailto:${'x'.repeat(300)}@example.com` }, 'subject'],
    [{ subject, publicKey: PAIR.publicKey }, 'privateKey'],
    [{ subject, privateKey: PAIR.privateKey }, 'publicKey'],
    [{ subject, ...PAIR, publicKey: OTHER }, 'publicKey'],
    [{ subject, ...PAIR, privateKey: 'c2hvcnQ' }, 'privateKey'],
    [{ subject, ...PAIR, privateKey: Buffer.alloc(32).toString('base64url') }, 'privateKey'],
    [{ subject, ...PAIR, privateKey: '-----BEGIN' }, 'privateKey'],
    [{ subject, ...PAIR, apiKey: 'x' }, 'apiKey'],
  ])('refuses %j, naming %s', (input, field) => {
    const error = refusal(input);
    expect(error.field).toBe(field);
    expect(error.message).not.toContain(PAIR.privateKey);
  });

  it.each([
    'mailto:a@localhost',
    'mailto:a@mail',
    'mailto:a@mail.local',
    'mailto:a@mail.invalid',
    'mailto:a@host.localhost',
    'mailto:a@127.0.0.1',
    'mailto:a@[::1]',
    'https://localhost:3000',
    'https://localhost.:3000/contact',
    'https://intranet/contact',
    'https://push.internal',
    'https://10.0.0.1',
    'https://192.168.1.7:8443/contact',
    'https://169.254.169.254',
    'https://[fd00::1]/',
    'https://0x7f000001/',
    'https://2130706433/',
  ])('refuses %s, which no push service can reach', (unreachable) => {
    const error = refusal({ subject: unreachable });
    expect(error.field).toBe('subject');
    expect(error.message).toMatch(/reach/);
  });

  it.each([
    ['MAILTO:push@example.com', 'mailto:push@example.com'],
    ['Https://Example.com/contact', 'https://Example.com/contact'],
    ['mailto:push+web@mail.example.co.uk', 'mailto:push+web@mail.example.co.uk'],
    ['https://8.8.8.8/contact', 'https://8.8.8.8/contact'],
  ])('accepts %s', (given, kept) => {
    expect(parseWebPushSettings({ subject: given }).visible.subject).toBe(kept);
  });

  it('opens the key pair', () => {
    const { key, publicKey } = openWebPushSettings(parseWebPushSettings({ subject, ...PAIR }));
    const { x, y } = createPublicKey(key).export({ format: 'jwk' });
    const point = Buffer.concat([Buffer.of(4), Buffer.from(x!, 'base64url'), Buffer.from(y!, 'base64url')]);
    expect(publicKey).toBe(point.toString('base64url'));
  });
});
