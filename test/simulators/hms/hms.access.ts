import { createPublicKey, type KeyObject } from 'node:crypto';
import { bearerOf, ClientCredentials } from '../shared/client-credentials.js';
import { readJws, verifyJws } from '../shared/jws.js';
import type { ReceivedRequest } from '../shared/provider.js';
import type { TokenSettings } from '../shared/settings.js';

export const TOKEN_AUDIENCE = 'https://oauth-login.cloud.huawei.com/oauth2/v3/token';

/** An OAuth client, which may send for one app. */
export interface HmsClient {
  appId: string;
  clientId: string;
  clientSecret: string;
}

/** A registered service account of a project. */
export interface HmsAccount {
  projectId: string;
  keyId: string;
  subAccount: string;
  /** SPKI PEM. */
  publicKey: string;
}

/** The senders: OAuth clients for their app, service accounts for their project. */
export class HmsAccess {
  readonly oauth: ClientCredentials;
  private readonly apps = new Map<string, string>();
  private readonly accounts = new Map<string, { account: HmsAccount; key: KeyObject }>();

  constructor(settings: TokenSettings) {
    this.oauth = new ClientCredentials(settings, 400);
  }

  registerClient({ appId, clientId, clientSecret }: HmsClient): void {
    this.oauth.register({ clientId, clientSecret });
    this.apps.set(clientId, appId);
  }

  registerAccount(account: HmsAccount): void {
    this.accounts.set(account.keyId, { account, key: createPublicKey(account.publicKey) });
  }

  /** The code that refuses the request; null if it may send to `target` (app or project) of this version. */
  check(request: ReceivedRequest, version: string, target: string, now: number): string | null {
    const bearer = bearerOf(request);
    if (bearer === undefined) return '80200001';
    const client = this.oauth.clientOf(bearer, now);
    if (client !== undefined) {
      // v3 accepts only service accounts.
      if (version === '3') return '80200001';
      return version === '2' || this.apps.get(client) === target ? null : '80300002';
    }
    const jws = readJws(bearer);
    if (!jws) return '80200003';
    const known = this.accounts.get(String(jws.header['kid']));
    const { iss, aud, iat, exp } = jws.claims;
    if (version === '1' || !known || !verifyJws(jws, 'PS256', known.key)) return '80200001';
    if (iss !== known.account.subAccount || aud !== TOKEN_AUDIENCE) return '80200001';
    if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > 3600 || iat > now / 1000) return '80200001';
    if (exp <= now / 1000) return '80200005';
    return known.account.projectId === target ? null : '80300002';
  }
}
