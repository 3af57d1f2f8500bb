import type { KeyObject } from 'node:crypto';
import { isListed } from '../../common/host-list.js';
import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { readRsaKey } from '../shared/pasted-key.js';
import { readPastedObject } from '../shared/pasted-text.js';
import { matching } from '../shared/settings-input.js';

/** Credentials for FCM: `settings` after `parseFcmSettings`. */
export interface ServiceAccount {
  projectId: string;
  clientEmail: string;
  key: KeyObject;
  /** `kid` of the assertion, present in Google's files. */
  keyId: string | undefined;
  tokenUri: string;
}

/** Where access tokens may be requested. */
export interface TokenRules {
  /** Hosts that `token_uri` may name. */
  tokenHosts: readonly string[];
  /** False: `token_uri` may also be this machine and plain HTTP, for simulators. */
  production: boolean;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Validates FCM settings: Google's service-account JSON, or `{serviceAccount: <that JSON>}`. Keeps project_id,
 * client_email, private_key, private_key_id and token_uri; projectId and clientEmail are returned. Throws
 * InvalidSettings; its text never contains the input.
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
 * Imports the credentials from parsed settings. The key is parsed once here, not per signature. Throws InvalidSettings
 * if the rules changed meanwhile.
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

/** A signed assertion is sent to this address and the answer is read, so callers must not choose any address. */
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
