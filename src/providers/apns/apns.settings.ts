import type { KeyObject } from 'node:crypto';
import { wallClock } from '../../common/clock.js';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { matching, readPrivateKey } from '../settings-input.js';
import { readCertificate } from './apns.certificate.js';

export interface ApnsKey {
  key: KeyObject;
  keyId: string;
  teamId: string;
}

/** What opens a way to APNs: `settings` after they have passed `parseApnsSettings`. */
export interface ApnsCredentials {
  bundleId: string;
  isSandBox: boolean;
  /** One of the two. */
  identity: { key: ApnsKey } | { certificate: { pfx: Buffer; passphrase: string } };
}

const BUNDLE_ID = /^[A-Za-z0-9.-]{1,155}$/;
const KEY_FIELDS = new Set(['key', 'keyId', 'teamId', 'bundleId', 'isSandBox']);
const CERTIFICATE_FIELDS = new Set(['certificate', 'fileName', 'password', 'bundleId', 'isSandBox']);
const FILE_NAME = /^[^\p{Cc}/\\]{1,255}$/u;

/**
 * Validates APNs settings: with a token key `{key, keyId, teamId, bundleId, isSandBox?}`, where `key` is the text of
 * Apple's .p8 file, or with a certificate `{certificate, password, fileName?, bundleId?, isSandBox?}`, where
 * `certificate` is a .p12 file in base64; read back, it is the file's name, as MobileFirst has it. `isSandBox` is a boolean or "true"/"false" (MobileFirst's admin tools send text). Neither key nor
 * certificate is read back. Throws InvalidSettings; its text never holds what was sent.
 */
export function parseApnsSettings(input: Record<string, unknown>): ProviderSettings {
  const withCertificate = 'certificate' in input;
  // A mistyped isSandBox would otherwise send to the wrong environment, where every device looks dead.
  for (const field of Object.keys(input)) {
    if (!(withCertificate ? CERTIFICATE_FIELDS : KEY_FIELDS).has(field))
      throw new InvalidSettings(
        clip(field),
        `is not a field of APNs settings with a ${withCertificate ? 'certificate' : 'token key'}`,
      );
  }
  return withCertificate ? parseWithCertificate(input) : parseWithKey(input);
}

function parseWithCertificate(input: Record<string, unknown>): ProviderSettings {
  const { certificate, password = '' } = input;
  if (typeof certificate !== 'string') throw new InvalidSettings('certificate', 'must be a .p12 file in base64');
  if (typeof password !== 'string') throw new InvalidSettings('password', 'must be text');
  const { validUntil, bundleId } = readCertificate(Buffer.from(certificate, 'base64'), password, wallClock());
  const named = input.bundleId === undefined ? { ...input, bundleId } : input;
  const file = { fileName: 'certificate.p12', ...input };
  const visible = {
    certificate: matching(file, 'fileName', FILE_NAME, 'must be a name of 1 to 255 characters, without folders'),
    bundleId: matching(named, 'bundleId', BUNDLE_ID, 'must be given: the certificate does not name its bundle id'),
    isSandBox: flag(input.isSandBox),
    validUntil: validUntil.toISOString(),
  };
  return { visible, secret: { certificate, password } };
}

function parseWithKey(input: Record<string, unknown>): ProviderSettings {
  const visible = {
    keyId: matching(input, 'keyId', /^[A-Z0-9]{10}$/, "must be the key's id of 10 capital letters and digits"),
    teamId: matching(input, 'teamId', /^[A-Z0-9]{10}$/, 'must be the team id of 10 capital letters and digits'),
    bundleId: matching(input, 'bundleId', BUNDLE_ID, 'must be a bundle id such as com.example.app'),
    isSandBox: flag(input.isSandBox),
  };
  const { key } = input;
  if (typeof key !== 'string') throw new InvalidSettings('key', "must be the text of Apple's .p8 file");
  importKey(key);
  return { visible, secret: { key } };
}

/** Imports the credentials from parsed settings; the key is read once here and not for each signature. */
export function openApnsSettings(settings: ProviderSettings): ApnsCredentials {
  const { keyId, teamId, bundleId, isSandBox } = settings.visible;
  const { key, certificate, password } = settings.secret;
  const withCertificate = typeof certificate === 'string';
  return {
    bundleId: String(bundleId),
    isSandBox: isSandBox === true,
    identity: withCertificate
      ? { certificate: { pfx: Buffer.from(certificate, 'base64'), passphrase: String(password) } }
      : { key: { key: importKey(String(key)), keyId: String(keyId), teamId: String(teamId) } },
  };
}

function importKey(pem: string): KeyObject {
  const key = readPrivateKey(pem);
  if (key?.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new InvalidSettings('key', "must be an EC P-256 private key in PEM, the text of Apple's .p8 file");
  }
  return key;
}

function flag(value: unknown): boolean {
  if (value === undefined || value === false || value === 'false') return false;
  if (value === true || value === 'true') return true;
  throw new InvalidSettings('isSandBox', 'must be true or false');
}

function clip(field: string): string {
  return field.length <= 40 ? field : `${field.slice(0, 40)}…`;
}
