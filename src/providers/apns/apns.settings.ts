import type { KeyObject } from 'node:crypto';
import { wallClock } from '../../common/clock.js';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { nameKey, readPastedKey } from '../shared/pasted-key.js';
import { readPastedBase64 } from '../shared/pasted-text.js';
import { matching } from '../shared/settings-input.js';
import { openFile, readCertificate } from './apns.certificate.js';
import type { OpenedFile } from './pkcs12.js';

export interface ApnsKey {
  key: KeyObject;
  keyId: string;
  teamId: string;
}

/** Credentials for APNs: `settings` after `parseApnsSettings`. */
export interface ApnsCredentials {
  bundleId: string;
  isSandBox: boolean;
  /** Either a token key or a certificate. */
  identity: { key: ApnsKey } | { certificate: { key: string; cert: string } };
}

type Fields = Record<string, unknown>;

const BUNDLE_ID = /^[A-Za-z0-9.-]{1,155}$/;
/**
 * Topics of the other push types are the bundle id with one of these suffixes (Apple: "Sending notification requests to
 * APNs").
 */
const TOPIC_SUFFIX = /\.(voip|voip-ptt|complication|pushkit\.fileprovider|location-query|push-type\.[a-z]+)$/i;
const KEY_FIELDS = new Set(['key', 'keyId', 'teamId', 'bundleId', 'isSandBox']);
const CERTIFICATE_FIELDS = new Set(['certificate', 'fileName', 'password', 'bundleId', 'isSandBox']);
const PEM = /-BEGIN [A-Z ]{1,40}-/;
const FILE_NAME = /^[^\p{Cc}/\\]{1,255}$/u;

/**
 * Validates APNs settings. With a token key: `{key, keyId, teamId, bundleId, isSandBox?}`, where `key` is the text of
 * Apple's .p8 file. With a certificate: `{certificate, password, fileName?, bundleId?, isSandBox?}`, where
 * `certificate` is a .p12 file in base64; read back, it is the file's name, as at MobileFirst. `isSandBox` is a boolean
 * or "true"/"false" (MobileFirst's tools send text). Key and certificate are never returned. Throws InvalidSettings;
 * its text never contains the input.
 */
export function parseApnsSettings(input: Fields & { key: unknown }): ProviderSettings;
export function parseApnsSettings(input: Fields & { certificate: unknown }): Promise<ProviderSettings>;
export function parseApnsSettings(input: Fields): ProviderSettings | Promise<ProviderSettings>;
export function parseApnsSettings(input: Fields): ProviderSettings | Promise<ProviderSettings> {
  const withCertificate = 'certificate' in input;
  // If a misspelled isSandBox were ignored, pushes would go to the wrong environment, where every device looks dead.
  for (const field of Object.keys(input)) {
    if (!(withCertificate ? CERTIFICATE_FIELDS : KEY_FIELDS).has(field))
      throw new InvalidSettings(
        clip(field),
        `is not a field of APNs settings with a ${withCertificate ? 'certificate' : 'token key'}`,
      );
  }
  return withCertificate ? parseWithCertificate(input) : parseWithKey(input);
}

async function parseWithCertificate(input: Fields): Promise<ProviderSettings> {
  const { certificate, password = '' } = input;
  if (typeof certificate !== 'string') throw new InvalidSettings('certificate', 'must be a .p12 file in base64');
  if (typeof password !== 'string' || password.length > 1_000)
    throw new InvalidSettings('password', 'must be text of at most 1000 characters');
  const file = readFile(certificate);
  const { pem, validUntil, bundleId } = await readCertificate(file, password, wallClock());
  const named = input.bundleId === undefined ? { ...input, bundleId } : input;
  const withName = { fileName: 'certificate.p12', ...input };
  const visible = {
    certificate: matching(withName, 'fileName', FILE_NAME, 'must be a name of 1 to 255 characters, without folders'),
    bundleId: readBundleId(named, 'must be given: the certificate does not name its bundle id'),
    isSandBox: flag(input.isSandBox),
    validUntil: validUntil.toISOString(),
  };
  return { visible, secret: { certificate: file.toString('base64'), password, pem } };
}

/** Accepts the file, base64 of it, and base64 of base64, because some programs encode an encoded file again. */
function readFile(text: string): Buffer {
  const refuse = (what: string): InvalidSettings =>
    new InvalidSettings('certificate', `must be a PKCS#12 file (.p12) in base64: ${what}`);
  let file = PEM.test(text) ? Buffer.from(text) : readPastedBase64(text);
  if (typeof file !== 'string' && /^[A-Za-z0-9+/=\s]{8,}$/.test(file.toString('latin1')))
    file = readPastedBase64(file.toString('latin1'));
  if (typeof file === 'string') throw refuse(file);
  if (PEM.test(file.toString('latin1'))) throw refuse('it is PEM, make one of it with openssl pkcs12 -export');
  return file;
}

function parseWithKey(input: Fields): ProviderSettings {
  const visible = {
    keyId: matching(input, 'keyId', /^[A-Z0-9]{10}$/, "must be the key's id of 10 capital letters and digits"),
    teamId: matching(input, 'teamId', /^[A-Z0-9]{10}$/, 'must be the team id of 10 capital letters and digits'),
    bundleId: readBundleId(input, 'must be a bundle id such as com.example.app'),
    isSandBox: flag(input.isSandBox),
  };
  const { key } = input;
  if (typeof key !== 'string') throw new InvalidSettings('key', "must be the text of Apple's .p8 file");
  if (visible.bundleId.startsWith(`${visible.teamId}.`))
    throw new InvalidSettings('bundleId', 'must be the bundle id alone, without the team id before it');
  return { visible, secret: { key: String(importKey(key).export({ type: 'pkcs8', format: 'pem' })) } };
}

function readBundleId(input: Fields, reason: string): string {
  const bundleId = matching(input, 'bundleId', BUNDLE_ID, reason);
  const suffix = TOPIC_SUFFIX.exec(bundleId)?.[0];
  if (suffix !== undefined)
    throw new InvalidSettings(
      'bundleId',
      `must be the app's bundle id without ${suffix}, which makes it the topic of another kind of notification`,
    );
  return bundleId;
}

/** Opens the .p12 file of settings that an earlier version stored without PEM. */
export async function renewApnsSettings(settings: ProviderSettings): Promise<ProviderSettings> {
  const { certificate, password, pem } = settings.secret;
  if (typeof certificate !== 'string' || pem !== undefined) return settings;
  const opened = await openFile(Buffer.from(certificate, 'base64'), String(password));
  return { ...settings, secret: { ...settings.secret, pem: opened } };
}

/** Imports the credentials from parsed settings. The key is parsed once here, not per signature. */
export function openApnsSettings(settings: ProviderSettings): ApnsCredentials {
  const { keyId, teamId, bundleId, isSandBox } = settings.visible;
  const { key, pem } = settings.secret;
  const { key: ownKey, certificate, chain } = (pem ?? {}) as Partial<OpenedFile>;
  return {
    bundleId: String(bundleId),
    isSandBox: isSandBox === true,
    identity:
      ownKey === undefined
        ? { key: { key: importKey(String(key)), keyId: String(keyId), teamId: String(teamId) } }
        : { certificate: { key: ownKey, cert: [certificate, ...(chain ?? [])].join('') } },
  };
}

function importKey(text: string): KeyObject {
  const key = readPastedKey(text);
  const isRight =
    typeof key === 'object' && key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (isRight) return key;
  const what = typeof key === 'string' ? key : nameKey(key);
  throw new InvalidSettings('key', `must be an EC P-256 private key in PEM, the text of Apple's .p8 file: ${what}`);
}

function flag(value: unknown): boolean {
  if (value === undefined || value === false || value === 'false') return false;
  if (value === true || value === 'true') return true;
  throw new InvalidSettings('isSandBox', 'must be true or false');
}

function clip(field: string): string {
  return field.length <= 40 ? field : `${field.slice(0, 40)}…`;
}
