import type { KeyObject } from 'node:crypto';
import { isListed } from '../../common/host-list.js';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { readRsaKey } from '../shared/pasted-key.js';
import { readPastedObject } from '../shared/pasted-text.js';
import { matching } from '../shared/settings-input.js';

/** What opens a way to FCM: `settings` after they have passed `parseFcmSettings`. */
export interface ServiceAccount {
  projectId: string;
  clientEmail: string;
  key: KeyObject;
  /** `kid` of the assertion; Google's files have it. */
  keyId: string | undefined;
  tokenUri: string;
}

/** Where access tokens may be fetched from. */
export interface TokenRules {
  /** Hosts that `token_uri` may name. */
  tokenHosts: readonly string[];
  /** False: this machine too, and in clear: for simulators. */
  production: boolean;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Validates FCM settings: Google's service-account JSON, or `{serviceAccount: <that JSON>}`. Of its members project_id,
 * client_email, private_key, private_key_id and token_uri are kept; projectId and clientEmail may be read back.
 * Throws InvalidSettings; its text never holds what was sent.
 */
export function parseFcmSettings(input: Record<string, unknown>, rules: TokenRules): ProviderSettings {
  const account = readPastedObject(input.serviceAccount ?? input);
  const wrong = typeof account === 'string' ? account : nameOther(account);
  if (typeof account === 'string' || wrong !== undefined)
    throw new InvalidSettings('serviceAccount', `must be Google's service-account JSON: ${wrong}`);
  if (account.type !== undefined && account.type !== 'service_account') {
    throw new InvalidSettings('type', 'must be service_account: other kinds of Google credentials cannot send');
  }
  const projectId = matching(account, 'project_id', /^[a-z0-9][a-z0-9.:-]{1,99}$/, "must be the project's id");
  const clientEmail = matching(account, 'client_email', /^[^\s@]{1,100}@[^\s@]{1,150}$/, "must be the account's email");
  const tokenUri = matching(account, 'token_uri', /^\S{1,500}$/, 'must be an https URL');
  requireTokenUri(tokenUri, rules);
  const privateKey = account.private_key;
  if (typeof privateKey !== 'string') throw new InvalidSettings('private_key', 'must be an RSA private key in PEM');
  const key = importKey(privateKey);
  const keyId = account.private_key_id;
  if (keyId !== undefined && typeof keyId !== 'string') throw new InvalidSettings('private_key_id', 'must be text');
  return {
    visible: { projectId, clientEmail },
    secret: { privateKey: String(key.export({ type: 'pkcs8', format: 'pem' })), keyId, tokenUri },
  };
}

/** Google has other JSON files for an app. */
function nameOther(account: Record<string, unknown>): string | undefined {
  if (account.project_info !== undefined) return 'it is google-services.json, which is built into the app';
  if (account.installed !== undefined || account.web !== undefined) return 'it is an OAuth client';
  return undefined;
}

/**
 * Imports the credentials from parsed settings; the key is read once here and not for each signature. Throws InvalidSettings
 * where the rules have changed since.
 */
export function openFcmSettings({ visible, secret }: ProviderSettings, rules: TokenRules): ServiceAccount {
  requireTokenUri(String(secret.tokenUri), rules);
  return {
    projectId: String(visible.projectId),
    clientEmail: String(visible.clientEmail),
    key: importKey(String(secret.privateKey)),
    keyId: typeof secret.keyId === 'string' ? secret.keyId : undefined,
    tokenUri: String(secret.tokenUri),
  };
}

/** A signed assertion goes there, and its answer is read: whoever may write settings must not choose any address. */
function requireTokenUri(text: string, { tokenHosts, production }: TokenRules): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOurs = url !== undefined && !production && LOOPBACK.test(url.hostname);
  const isSafe = url?.protocol === 'https:' || (isOurs && url.protocol === 'http:');
  if (!isSafe || url.username !== '' || url.password !== '')
    throw new InvalidSettings('token_uri', 'must be an https URL');
  if (!isOurs && !isListed(url, tokenHosts))
    throw new InvalidSettings('token_uri', `must be at a host of FCM_TOKEN_HOSTS (${tokenHosts.join(', ')})`);
}

function importKey(text: string): KeyObject {
  return readRsaKey(text, 'private_key');
}
