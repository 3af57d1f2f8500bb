import type { KeyObject } from 'node:crypto';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { matching, readPrivateKey } from '../settings-input.js';

/** What opens a way to APNs: `settings` after they have passed `parseApnsSettings`. */
export interface ApnsCredentials {
  key: KeyObject;
  keyId: string;
  teamId: string;
  bundleId: string;
  isSandBox: boolean;
}

const FIELDS = new Set(['key', 'keyId', 'teamId', 'bundleId', 'isSandBox']);

/**
 * Validates APNs settings of the token-key form: `{key, keyId, teamId, bundleId, isSandBox?}`, where `key` is the text of
 * Apple's .p8 file and `isSandBox` a boolean or "true"/"false" (MobileFirst's admin tools send text). Everything but
 * the key may be read back. Throws InvalidSettings; its text never holds what was sent.
 */
export function parseApnsSettings(input: Record<string, unknown>): ProviderSettings {
  // A mistyped isSandBox would otherwise send to the wrong environment, where every device looks dead.
  for (const field of Object.keys(input)) {
    if (!FIELDS.has(field)) throw new InvalidSettings(clip(field), 'is not a field of APNs settings with a token key');
  }
  const visible = {
    keyId: matching(input, 'keyId', /^[A-Z0-9]{10}$/, "must be the key's id of 10 capital letters and digits"),
    teamId: matching(input, 'teamId', /^[A-Z0-9]{10}$/, 'must be the team id of 10 capital letters and digits'),
    bundleId: matching(input, 'bundleId', /^[A-Za-z0-9.-]{1,155}$/, 'must be a bundle id such as com.example.app'),
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
  return {
    key: importKey(String(settings.secret.key)),
    keyId: String(keyId),
    teamId: String(teamId),
    bundleId: String(bundleId),
    isSandBox: isSandBox === true,
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
