import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'vitest';
import { P12_PASSWORD, makeP12 } from '../../harness/p12.js';
import { createApnsCredentials } from '../../simulators/credentials.js';
import { APPLICATION, INSTANT, UNSPEAKABLE, refused, removals, wrong } from './row.js';
import type { Row } from './row.js';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const apns = createApnsCredentials(APPLICATION).credentials;
const { key: _key, ...apnsVisible } = apns;
const beta = createApnsCredentials('com.example.beta').credentials;
const { key: _betaKey, ...betaVisible } = beta;
const { p12 } = makeP12(`/UID=${APPLICATION}/CN=Apple Push Services`);
const bare = makeP12(`/UID=${APPLICATION}`, '-passout', 'pass:').p12;
const eleven = makeP12(`/UID=${APPLICATION}`, '-passout', 'pass:eleven-char').p12;
const twelve = makeP12(`/UID=${APPLICATION}`, '-passout', 'pass:twelve-chars').p12;
const keyless = makeP12('/UID=a.b', '-nokeys').p12;
const certificate = { certificate: 'push.p12', bundleId: APPLICATION, isSandBox: 'true', validUntil: INSTANT };
const good = { password: P12_PASSWORD, isSandBox: 'true' };
const entra = { tenantId: 'contoso.example', clientId: '0f1e2d3c-0000-4000-8000-000000000001' };
const SID = 'ms-app://s-1-15-2-1-2-3';
const warnings = [expect.stringMatching(/gcmConf delivers nothing.*fcmConf/) as string];
const NO_SMS = /sends no SMS/;
const CONFS = ['apns', 'gcm', 'fcm', 'wns', 'webPush', 'hms'].map((name) => `${name}Conf`);

/** Faults of a .p12 file and its fields. */
const WRONG_FORMS: readonly (readonly [what: string, form: FormData, reason: unknown])[] = [
  ['a wrong password', form({ password: UNSPEAKABLE }, p12), wrong(/'password'.*does not open/)],
  ['no file', form(good), wrong(/'certificate'.*\.p12 file/)],
  ['an invalid file', form(good, Buffer.from(UNSPEAKABLE)), wrong(/'certificate'.*PKCS#12/)],
  ['an unknown field', form({ ...good, isSandbox: 'true' }, p12), wrong(/'isSandbox'.*not a field/)],
  ['a text as boolean', form({ ...good, isSandBox: UNSPEAKABLE }, p12), wrong(/'isSandBox'.*true or false/)],
  ['a reserved name', form({ ...good, ['__proto__']: 'x' }, p12), refused('FPWSE0004E', /__proto__/)],
  ['a file without a key', form(good, keyless), wrong(/'certificate'.*no private key/)],
  ['a large file', form(good, Buffer.alloc(70_000)), wrong(/'certificate'.*65536/)],
];

export const SETTINGS: readonly Row[] = [
  ['GET …/settings', 'settings.read', 'links to the settings', {}, 200, overview()],

  ['GET …/settings/apnsConf', 'apnsConf.read', 'before any settings', {}, 404, refused('FPWSE0001E')],
  ['DELETE …/settings/apnsConf', 'apnsConf.write', 'before any settings', {}, 404, refused('FPWSE0001E')],
  put('apns', 'a key', { ...apns, isSandBox: 'false' }, { ...apnsVisible, isSandBox: 'false' }),
  ['GET …/settings/apnsConf', 'apnsConf.read', 'returns no key', {}, 200, { ...apnsVisible, isSandBox: 'false' }],
  ['GET …/settings/apnsCert', 'apnsCert.read', 'with a key instead of a certificate', {}, 404, refused('FPWSE0001E')],
  ofEarlierRevision('apns', { ...beta, isSandBox: true }),
  put('apns', 'another key', { ...beta, isSandBox: true }, { ...betaVisible, isSandBox: 'true' }),
  ['GET …/settings/apnsConf', 'apnsConf.read', 'the other kind', {}, 200, { ...betaVisible, isSandBox: 'true' }],
  ['PUT …/settings/apnsConf', 'apnsConf.write', 'a certificate', { body: form(good, p12) }, 200, certificate],
  ['GET …/settings/apnsConf', 'apnsConf.read', 'without the password', {}, 200, certificate],
  ['GET …/settings/apnsCert', 'apnsCert.read', 'the file', {}, 200, p12],
  [
    'GET …/settings/apnsCert',
    'apnsCert.read',
    'in its stored form',
    { headers: { accept: 'application/octet-stream' } },
    200,
    p12,
  ],
  ...wrongPuts('apns', [
    ['no key', { ...apns, key: UNSPEAKABLE }, /'key'.*EC P-256 private key/],
    ['an RSA key', { ...apns, key: RSA }, /'key'.*EC P-256 private key/],
    ['an invalid key id', { ...apns, keyId: UNSPEAKABLE }, /'keyId'.*10 capital/],
    ['a text as boolean', { ...apns, isSandBox: UNSPEAKABLE }, /'isSandBox'.*true or false/],
    ['an invalid file', { certificate: UNSPEAKABLE, password: UNSPEAKABLE }, /'certificate'.*PKCS#12/],
  ]),
  ...WRONG_FORMS.map(([what, body, reason]): Row => [
    'PUT …/settings/apnsConf',
    'apnsConf.write',
    what,
    { body },
    400,
    reason,
  ]),
  ['GET …/settings/apnsConf', 'apnsConf.read', 'still unchanged', {}, 200, certificate],
  [
    'PUT …/settings/apnsConf',
    'apnsConf.write',
    'a certificate without a password',
    { body: { certificate: bare.toString('base64') } },
    200,
    { ...certificate, certificate: 'certificate.p12', isSandBox: 'false' },
  ],
  ['GET …/settings/apnsCert', 'apnsCert.read', 'without a password', {}, 409, refused('CARIL0409E', /12 characters/)],
  [
    'PUT …/settings/apnsConf',
    'apnsConf.write',
    'a certificate under eleven characters',
    { body: { certificate: eleven.toString('base64'), password: 'eleven-char' } },
    200,
    { ...certificate, certificate: 'certificate.p12', isSandBox: 'false' },
  ],
  [
    'GET …/settings/apnsCert',
    'apnsCert.read',
    'under eleven characters',
    {},
    409,
    refused('CARIL0409E', /12 characters/),
  ],
  [
    'PUT …/settings/apnsConf',
    'apnsConf.write',
    'a certificate under twelve characters',
    { body: { certificate: twelve.toString('base64'), password: 'twelve-chars' } },
    200,
    { ...certificate, certificate: 'certificate.p12', isSandBox: 'false' },
  ],
  ['GET …/settings/apnsCert', 'apnsCert.read', 'under twelve characters', {}, 200, twelve],
  ...removals('DELETE …/settings/apnsConf', 'apnsConf.write'),
  ['DELETE …/settings/apnsConf', 'apnsConf.write', 'the present settings', {}, 204],
  ['GET …/settings/apnsConf', 'apnsConf.read', 'after the removal', {}, 404, refused('FPWSE0001E')],
  ['GET …/settings/apnsCert', 'apnsCert.read', 'after the removal', {}, 404, refused('FPWSE0001E')],

  ['GET …/settings/gcmConf', 'gcmConf.read', 'before any settings', {}, 404, refused('FPWSE0001E')],
  ['GET …/settings/gcmConfPublic', 'gcmConfPublic.read', 'before any settings', {}, 404, refused('FPWSE0001E')],
  put('gcm', 'key and sender', { senderId: '123', apiKey: 'first-api-key' }, { senderId: '123', warnings }),
  ofEarlierRevision('gcm', { senderId: '456' }),
  [
    'PUT …/settings/gcmConf',
    'apnsConf.write',
    'with the scope that the vendor’s page names, without a key',
    { body: { senderId: '456' } },
    200,
    { senderId: '456', warnings },
  ],
  ...wrongPuts('gcm', [
    ['no sender id', { apiKey: UNSPEAKABLE }, /'senderId'.*sender id/],
    ['an invalid key', { senderId: '123', apiKey: `open ${UNSPEAKABLE}` }, /'apiKey'.*key/],
  ]),
  ['GET …/settings/gcmConf', 'gcmConf.read', 'returns no key', {}, 200, { senderId: '456', warnings }],
  ['GET …/settings/gcmConfPublic', 'gcmConfPublic.read', 'returns the sender id', {}, 200, { senderId: '456' }],
  ...removals('DELETE …/settings/gcmConf', 'gcmConf.write'),
  ['DELETE …/settings/gcmConf', 'gcmConf.write', 'the present settings', {}, 204],
  ['DELETE …/settings/gcmConf', 'gcmConf.write', 'again', {}, 404, refused('FPWSE0001E')],

  ['GET …/settings/wnsConf', 'wnsConf.read', 'before any settings', {}, 404, refused('FPWSE0001E')],
  put('wns', 'package and secret', { packageSID: SID, clientSecret: 'first secret' }, { packageSID: SID }),
  ofEarlierRevision('wns', { ...entra, clientSecret: 'second secret' }),
  put('wns', 'an Entra app', { ...entra, clientSecret: 'second secret' }, entra),
  ...wrongPuts('wns', [
    ['no secret', { packageSID: SID }, /'clientSecret'.*must be the secret/],
    [
      'an invalid package SID',
      { packageSID: 'S-1-15', clientSecret: UNSPEAKABLE },
      /'packageSID'.*must be the package SID/,
    ],
    ['an invalid client id', { ...entra, clientId: 'me', clientSecret: UNSPEAKABLE }, /'clientId'.*GUID/],
    ['an invalid tenant id', { ...entra, tenantId: '/../x', clientSecret: UNSPEAKABLE }, /'tenantId'.*id or domain/],
    ['both kinds at once', { packageSID: SID, ...entra, clientSecret: UNSPEAKABLE }, /'tenantId'.*Entra/],
  ]),
  ['GET …/settings/wnsConf', 'wnsConf.read', 'returns no secret', {}, 200, entra],
  ...removals('DELETE …/settings/wnsConf', 'wnsConf.write'),
  ['DELETE …/settings/wnsConf', 'wnsConf.write', 'the present settings', {}, 204],
  ['DELETE …/settings/wnsConf', 'wnsConf.write', 'again', {}, 404, refused('FPWSE0001E')],

  [
    'PUT …/settings/smsConf',
    'smsConf.write',
    'SMS is not supported',
    { body: { host: 'a', port: '80' } },
    400,
    wrongSms('FPWSE0005E'),
  ],
  ['GET …/settings/smsConf', 'smsConf.read', 'SMS is not supported', {}, 404, wrongSms('FPWSE0001E')],
  ['DELETE …/settings/smsConf', 'smsConf.write', 'SMS is not supported', {}, 404, wrongSms('FPWSE0001E')],
];

function put(name: string, what: string, body: object, answer: object): Row {
  return [`PUT …/settings/${name}Conf`, `${name}Conf.write`, what, { body }, 200, answer];
}

function ofEarlierRevision(name: string, body: object): Row {
  const request = { headers: { 'if-match': '"earlier"' }, body };
  return [
    `PUT …/settings/${name}Conf`,
    `${name}Conf.write`,
    'of an earlier revision',
    request,
    412,
    refused('CARIL0412E'),
  ];
}

function wrongPuts(name: string, cases: readonly (readonly [what: string, body: object, says: RegExp])[]): Row[] {
  const endpoint = `PUT …/settings/${name}Conf`;
  return [
    ...cases.map(([what, body, says]): Row => [endpoint, `${name}Conf.write`, what, { body }, 400, wrong(says)]),
    [endpoint, `${name}Conf.write`, 'a list', { body: [] }, 400, refused('FPWSE0004E', /object/)],
  ];
}

function wrongSms(code: string): unknown {
  return refused(code, NO_SMS);
}

function overview(): object {
  const url = (conf: string): unknown =>
    expect.stringMatching(new RegExp(`^http://127\\.0\\.0\\.1:\\d+/imfpush/v1/apps/${APPLICATION}/settings/${conf}$`));
  return {
    applicationId: APPLICATION,
    mode: 'PRODUCTION',
    ...Object.fromEntries(CONFS.map((conf) => [conf, url(conf)])),
  };
}

function form(fields: Readonly<Record<string, string>>, file?: Buffer): FormData {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  if (file) made.set('certificate', new Blob([new Uint8Array(file)]), 'push.p12');
  return made;
}
