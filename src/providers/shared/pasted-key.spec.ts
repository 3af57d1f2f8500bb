import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { P12_PASSWORD, makeP12 } from '../../../test/harness/p12.js';
import { parseApnsSettings } from '../apns/apns.settings.js';
import { parseFcmSettings as parseFcm } from '../fcm/fcm.settings.js';
import { parseHmsSettings } from '../hms/hms.settings.js';
import { readPastedKey } from './pasted-key.js';
import { InvalidSettings } from '../provider.js';
import type { ProviderSettings } from '../provider.js';
import { parseWebPushSettings } from '../web-push/web-push.settings.js';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8') =>
  key.export({ type, format: 'pem' }).toString();
const PEM = pem(ec.privateKey);
const lines = PEM.trimEnd().split('\n');
const body = lines.slice(1, -1);
const account = (private_key: string) => ({
  type: 'service_account',
  project_id: 'shop-1',
  private_key_id: 'k1',
  private_key,
  client_email: 'push@shop-1.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
});

const parseFcmSettings = (input: Record<string, unknown>) =>
  parseFcm(input, { tokenHosts: ['oauth2.googleapis.com'], production: true });

/** Changes that copying makes to a PEM text. */
const DAMAGES: Record<string, (text: string) => string> = {
  plain: (text) => text,
  'line breaks as two characters': (text) => text.replaceAll('\n', '\\n'),
  'line breaks escaped twice': (text) => text.replaceAll('\n', '\\\\n'),
  'CR LF': (text) => text.replaceAll('\n', '\r\n'),
  'CR LF as four characters': (text) => text.replaceAll('\n', '\\r\\n'),
  'CR alone': (text) => text.replaceAll('\n', '\r'),
  'no line breaks at all': (text) => text.replaceAll('\n', ''),
  'spaces for line breaks': (text) => text.replaceAll('\n', ' '),
  'lines of another length': (text) => text.replace(/(.{10})(?=[A-Za-z0-9+/]{12})/g, '$1\n'),
  indented: (text) => text.replace(/^/gm, '      '),
  'tabs and trailing spaces': (text) => text.replace(/^/gm, '\t').replace(/$/gm, '  '),
  'blank lines': (text) => text.replaceAll('\n', '\n\n'),
  'double quotes': (text) => `"${text}"`,
  'single quotes around escapes': (text) => `'${text.replaceAll('\n', '\\n')}'`,
  'typographic quotes': (text) => `\u201C${text}\u201D`,
  'a comma after the quotes': (text) => `${JSON.stringify(text)},`,
  'a byte order mark': (text) => `\uFEFF${text}`,
  'zero-width spaces': (text) => text.replaceAll('\n', '\u200B\n'),
  'no-break spaces': (text) => text.replaceAll('\n', '\u00A0\n'),
  'dashes for hyphens': (text) => text.replaceAll('-----', '\u2014\u2014-'),
  'backslashes at the ends of lines': (text) => text.replaceAll('\n', '\\\n'),
  'a line of a program': (text) => `const key = ${JSON.stringify(text)};`,
  'a member of an object': (text) => `"private_key": ${JSON.stringify(text)},`,
  'the file in base64': (text) => Buffer.from(text).toString('base64'),
  'the file in base64, in lines': (text) =>
    Buffer.from(text)
      .toString('base64')
      .replace(/(.{76})/g, '$1\n'),
  'lines before and after it': (text) => `Bag Attributes\n  friendlyName: push\n${text}\nbye`,
  'the service account as JSON': (text) => JSON.stringify(account(text), null, 2),
  'the service account as JSON in base64': (text) => Buffer.from(JSON.stringify(account(text))).toString('base64'),
  'the service account with line breaks in its string': (text) => JSON.stringify(account(text)).replaceAll('\\n', '\n'),
};

describe('readPastedKey', () => {
  it.each(Object.entries(DAMAGES))('reads a key: %s', (_name, damage) => {
    const key = readPastedKey(damage(PEM));
    expect(key).not.toBeTypeOf('string');
    expect((key as KeyObject).equals(ec.privateKey)).toBe(true);
  });

  it.each<[string, string, KeyObject]>([
    [
      'EC PRIVATE KEY',
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pem(ec.privateKey, 'sec1')}`,
      ec.privateKey,
    ],
    ['RSA PRIVATE KEY', pem(rsa.privateKey, 'pkcs1'), rsa.privateKey],
    ['the bytes in base64', body.join(''), ec.privateKey],
    [
      'the bytes in base64url without padding',
      Buffer.from(body.join(''), 'base64').toString('base64url'),
      ec.privateKey,
    ],
  ])('reads %s', (_name, text, key) => expect((readPastedKey(text) as KeyObject).equals(key)).toBe(true));

  const certificate = makeP12('/CN=x').certificate;
  it.each<[string, string, RegExp]>([
    ['nothing', ' \n', /is empty/],
    ['empty quotes', '""', /is empty/],
    ['a file name', 'AuthKey_ABC123DEFG.p8', /name of a file/],
    ['a path', 'C:\\keys\\AuthKey_ABC123DEFG.p8', /name of a file/],
    ['a single word', 'secret', /no BEGIN and END/],
    ['a legacy server key', `AAAA1234567:APA91b${'x'.repeat(134)}`, /no BEGIN and END/],
    ['half a key', lines.slice(0, -2).join('\n'), /END line is missing/],
    ['the end of a key', lines.slice(2).join('\n'), /BEGIN line is missing/],
    ['a key without its middle', [lines[0], body[0], lines.at(-1)].join('\n'), /cut off: 48 of 138 bytes/],
    ['a key with a line twice', [lines[0], body[0], ...body, lines.at(-1)].join('\n'), /damaged|cut off|bytes/],
    ['a key with an ellipsis', PEM.replace(body[0]!, '…'), /not base64: character 1/],
    ['only the frame', `${lines[0]}\n${lines.at(-1)}`, /nothing between BEGIN and END/],
    ['a certificate', certificate, /certificate, not its private key/],
    ['a public key', ec.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /public key/],
    [
      'a public key in base64',
      ec.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      /damaged|not known/,
    ],
    ['an OpenSSH key', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----', /OpenSSH/],
    [
      'an encrypted key',
      ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      /encrypted: decrypt it first/,
    ],
    ['JSON of something else', '{"apiKey":"x"}', /without a private_key/],
    ['JSON that is cut off', JSON.stringify(account(PEM)).slice(0, 120), /not valid JSON/],
    ['a very long text', 'x'.repeat(30_000), /too long/],
  ])('names the fault of %s', (_name, text, reason) => {
    const said = readPastedKey(text);
    expect(said).toEqual(expect.stringMatching(reason));
    expect(said).not.toMatch(/openssl\/|error:|APA91b|secret/);
  });

  it('reads adversarial text in short time', () => {
    const hostile = [
      '-'.repeat(20_000),
      '-----BEGIN A-----'.repeat(1_170),
      `-${' '.repeat(19_000)}BEGIN`,
      '{"'.repeat(9_000),
    ];
    for (const text of hostile) {
      const start = process.cpuUsage().user;
      expect(readPastedKey(text)).toBeTypeOf('string');
      expect(process.cpuUsage().user - start).toBeLessThan(500_000);
    }
  });
});

describe('every key field', () => {
  const apns = { keyId: 'KEY1234567', teamId: 'TEAM123456', bundleId: 'com.example.app' };
  const point = createPublicKey(ec.privateKey).export({ format: 'jwk' });
  const publicKey = Buffer.concat([
    Buffer.of(4),
    Buffer.from(point.x!, 'base64url'),
    Buffer.from(point.y!, 'base64url'),
  ]);
  const privateKey = ec.privateKey.export({ format: 'jwk' }).d!;
  const vapid = (keys: object) => parseWebPushSettings({ subject: 'mailto:push@example.com', ...keys });
  const RSA_PEM = pem(rsa.privateKey);
  const huawei = { project_id: '1', key_id: 'k', sub_account: 's', private_key: RSA_PEM, token_uri: 'https://x' };

  it.each(Object.entries(DAMAGES))('stores one canonical text for a key: %s', (_name, damage) => {
    expect(parseApnsSettings({ ...apns, key: damage(PEM) }).secret.key).toBe(PEM);
    expect(parseFcmSettings(account(damage(RSA_PEM))).secret.privateKey).toBe(RSA_PEM);
    const hms = parseHmsSettings({ projectId: '1', keyId: 'k', subAccount: 's', privateKey: damage(RSA_PEM) });
    expect(hms.secret.privateKey).toBe(RSA_PEM);
    expect(vapid({ publicKey: publicKey.toString('base64url'), privateKey: damage(PEM) }).secret).toEqual({
      privateKey,
    });
  });

  it.each<[string, (text: string) => unknown]>([
    ['an object', (text) => JSON.parse(text)],
    ['text', (text) => text],
    ['text with a byte order mark', (text) => `\uFEFF${text}`],
    ['text in quotes', (text) => `'${text}'`],
    ['escaped text', (text) => JSON.stringify(text).slice(1, -1)],
    ['text in base64', (text) => Buffer.from(text).toString('base64')],
    ['text with line breaks in its strings', (text) => text.replaceAll('\\n', '\n')],
  ])('accepts a service account as %s', (_name, form) => {
    const fcm = parseFcmSettings({ serviceAccount: form(JSON.stringify(account(RSA_PEM))) });
    expect(fcm.visible).toMatchObject({ projectId: 'shop-1' });
    expect(parseHmsSettings({ serviceAccount: form(JSON.stringify(huawei)) })).toEqual({
      visible: { projectId: '1', keyId: 'k', subAccount: 's' },
      secret: { privateKey: RSA_PEM },
    });
  });

  const derOf = (key: Buffer) => key.toString('base64');
  it.each<[string, object]>([
    [
      'base64 with padding',
      { publicKey: derOf(publicKey), privateKey: Buffer.from(privateKey, 'base64url').toString('base64') },
    ],
    [
      'quotes and line breaks',
      { publicKey: `"${publicKey.toString('base64url')}"\r\n`, privateKey: `'${privateKey}'\n` },
    ],
    ['a byte order mark', { publicKey: `\uFEFF${publicKey.toString('base64url')}`, privateKey: `\uFEFF${privateKey}` }],
    [
      'PEM',
      { publicKey: ec.publicKey.export({ type: 'spki', format: 'pem' }), privateKey: pem(ec.privateKey, 'sec1') },
    ],
  ])('accepts a VAPID pair with %s', (_name, keys) => {
    expect(vapid(keys)).toMatchObject({
      visible: { publicKey: publicKey.toString('base64url') },
      secret: { privateKey },
    });
  });

  let p12: Buffer;
  beforeAll(() => {
    ({ p12 } = makeP12('/UID=com.example.app'));
  });
  const withFile = (certificate: string) => parseApnsSettings({ certificate, password: P12_PASSWORD });

  it.each<[string, (base64: string) => string]>([
    ['in lines', (base64) => base64.replace(/(.{64})/g, '$1\r\n')],
    ['with line breaks as two characters', (base64) => base64.replace(/(.{64})/g, '$1\\n')],
    ['in quotes', (base64) => `"${base64}"`],
    ['as base64url', (base64) => Buffer.from(base64, 'base64').toString('base64url')],
    ['as a data URL', (base64) => `data:application/x-pkcs12;base64,${base64}`],
    ['with a byte order mark', (base64) => `\uFEFF${base64}`],
    ['of base64', (base64) => Buffer.from(base64).toString('base64')],
  ])('accepts a .p12 file in base64 %s', async (_name, form) => {
    const { visible, secret } = await withFile(form(p12.toString('base64')));
    expect(visible.bundleId).toBe('com.example.app');
    expect(secret.certificate).toBe(p12.toString('base64'));
  });

  it.each<[string, string, RegExp]>([
    ['a file name', 'push.p12', /name of a file/],
    ['hex', Buffer.alloc(64, 0x30).toString('hex'), /PKCS#12/],
    ['PEM', PEM, /it is PEM.*openssl pkcs12 -export/],
    ['PEM in base64', Buffer.from(PEM).toString('base64'), /it is PEM/],
    ['another kind of text', 'no, it is not!', /not base64: character 3/],
    ['nothing', '', /it is empty/],
  ])('names the fault of %s instead of a .p12 file', async (_name, certificate, reason) => {
    const said = await Promise.resolve()
      .then(() => withFile(certificate))
      .catch((error: unknown) => error);
    expect(said).toBeInstanceOf(InvalidSettings);
    expect((said as InvalidSettings).field).toBe('certificate');
    expect((said as InvalidSettings).message).toMatch(reason);
  });

  it.each<[string, () => ProviderSettings, string, RegExp]>([
    ['an RSA key at APNs', () => parseApnsSettings({ ...apns, key: RSA_PEM }), 'key', /RSA of 2048 bits/],
    [
      'a key of another curve at APNs',
      () => parseApnsSettings({ ...apns, key: pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey) }),
      'key',
      /on curve secp384r1/,
    ],
    ['an EC key at FCM', () => parseFcmSettings(account(PEM)), 'private_key', /EC on curve prime256v1/],
    [
      'a short RSA key at FCM',
      () => parseFcmSettings(account(pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey))),
      'private_key',
      /RSA of 1024 bits/,
    ],
    ['a number for the account', () => parseFcmSettings({ serviceAccount: 7 }), 'serviceAccount', /no object/],
    ['half an account', () => parseFcmSettings({ serviceAccount: '{"type":' }), 'serviceAccount', /cut off/],
    [
      'the app’s own file',
      () => parseFcmSettings({ project_info: {}, client: [] }),
      'serviceAccount',
      /google-services/,
    ],
    ['an OAuth client', () => parseFcmSettings({ serviceAccount: { web: {} } }), 'serviceAccount', /OAuth client/],
    ['a file name for HMS', () => parseHmsSettings({ serviceAccount: 'hms.json' }), 'serviceAccount', /name of a file/],
    [
      'swapped VAPID keys',
      () => vapid({ publicKey: privateKey, privateKey: publicKey.toString('base64url') }),
      'privateKey',
      /it is the public key/,
    ],
    [
      'the private VAPID key twice',
      () => vapid({ publicKey: privateKey, privateKey }),
      'publicKey',
      /it is a private key/,
    ],
  ])('names the fault of %s', (_name, parse, field, reason) => {
    expect(parse).toThrow(InvalidSettings);
    try {
      parse();
    } catch (error) {
      expect([(error as InvalidSettings).field, (error as InvalidSettings).message]).toEqual([
        field,
        expect.stringMatching(reason),
      ]);
    }
  });

  it.each([
    'voip',
    'complication',
    'voip-ptt',
    'pushkit.fileprovider',
    'location-query',
    'push-type.liveactivity',
    'VOIP',
  ])('refuses a bundle id that ends in .%s, which is a topic of another push type', async (suffix) => {
    const bundleId = `com.example.app.${suffix}`;
    expect(() => parseApnsSettings({ ...apns, key: PEM, bundleId })).toThrow(
      /without \..*another kind of notification/,
    );
    const certificate = makeP12(`/UID=${bundleId}`).p12.toString('base64');
    await expect(parseApnsSettings({ certificate, password: P12_PASSWORD })).rejects.toThrow(/another kind/);
  });

  it('refuses an app id with the team before the bundle id', () => {
    const bundleId = `${apns.teamId}.com.example.app`;
    expect(() => parseApnsSettings({ ...apns, key: PEM, bundleId })).toThrow(/without the team id/);
    expect(parseApnsSettings({ ...apns, key: PEM, bundleId: 'com.example.voip.app' }).visible.bundleId).toBe(
      'com.example.voip.app',
    );
  });
});
