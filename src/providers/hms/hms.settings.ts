import type { KeyObject } from 'node:crypto';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { readRsaKey } from '../shared/pasted-key.js';
import { readPastedObject } from '../shared/pasted-text.js';
import { matching } from '../shared/settings-input.js';

/** Credentials for Push Kit: `settings` after `parseHmsSettings`. */
export type HmsCredentials =
  /** An app of AppGallery Connect: Android and HarmonyOS up to 4. */
  | { kind: 'oauth'; appId: string; clientId: string; clientSecret: string }
  /** A service account of a project: HarmonyOS 5 and later. */
  | { kind: 'account'; projectId: string; keyId: string; subAccount: string; key: KeyObject };

const OAUTH_FIELDS = ['appId', 'clientId', 'clientSecret'] as const;
/** Huawei's ids are digits or hex, without characters that have a meaning in a URL. */
export const ID = /^[\w-]{1,100}$/;

/**
 * Validates HMS settings: `{appId, clientId, clientSecret}`; for a service account `{projectId, keyId, subAccount,
 * privateKey}`, or Huawei's file, plain or as `{serviceAccount: <that JSON>}`. All fields except the secret and the key
 * are returned. Throws InvalidSettings; its text never contains the input.
 */
export function parseHmsSettings(given: Record<string, unknown>): ProviderSettings {
  const input = readAccountFile(given);
  if (input.projectId === undefined && input.privateKey === undefined) return parseOAuth(input);
  const extra = OAUTH_FIELDS.find((field) => input[field] !== undefined);
  if (extra !== undefined) throw new InvalidSettings(extra, 'does not go together with a service account');
  const visible = {
    projectId: matching(input, 'projectId', ID, "must be the project's id"),
    keyId: matching(input, 'keyId', ID, "must be the key's id"),
    subAccount: matching(input, 'subAccount', ID, "must be the service account's id"),
  };
  const { privateKey } = input;
  if (typeof privateKey !== 'string') throw new InvalidSettings('privateKey', 'must be an RSA private key in PEM');
  const key = readRsaKey(privateKey, 'privateKey');
  return { visible, secret: { privateKey: String(key.export({ type: 'pkcs8', format: 'pem' })) } };
}

/** Renames the members of Huawei's file; keeps other input unchanged. */
function readAccountFile(given: Record<string, unknown>): Record<string, unknown> {
  const file = readPastedObject(given.serviceAccount ?? given);
  if (typeof file === 'string')
    throw new InvalidSettings('serviceAccount', `must be the JSON of Huawei's service account: ${file}`);
  if (file.project_id === undefined || file.private_key === undefined) return file;
  const { project_id: projectId, key_id: keyId, sub_account: subAccount, private_key: privateKey } = file;
  return { projectId, keyId, subAccount, privateKey };
}

function parseOAuth(input: Record<string, unknown>): ProviderSettings {
  const visible = {
    appId: matching(input, 'appId', ID, "must be the app's id"),
    clientId: matching(input, 'clientId', ID, "must be the OAuth client's id"),
  };
  const clientSecret = matching(input, 'clientSecret', /^[\x20-\x7e]{1,500}$/, 'must be the secret, in ASCII');
  return { visible, secret: { clientSecret } };
}

/** Imports the credentials from parsed settings. The key is parsed once here, not per signature. */
export function openHmsSettings({ visible, secret }: ProviderSettings): HmsCredentials {
  const { clientId, projectId, keyId, subAccount } = visible;
  if (typeof visible.appId === 'string') {
    const clientSecret = String(secret.clientSecret);
    return { kind: 'oauth', appId: visible.appId, clientId: String(clientId), clientSecret };
  }
  return {
    kind: 'account',
    projectId: String(projectId),
    keyId: String(keyId),
    subAccount: String(subAccount),
    key: readRsaKey(String(secret.privateKey), 'privateKey'),
  };
}
