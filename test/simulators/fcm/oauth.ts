import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { json } from '../shared/client-credentials.js';
import { readJws, verifyJws, type Jws } from '../shared/jws.js';
import type { Judgement, ReceivedRequest } from '../shared/provider.js';
import type { FcmSettings } from '../shared/settings.js';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SCOPES = new Set([
  'https://www.googleapis.com/auth/firebase.messaging',
  'https://www.googleapis.com/auth/cloud-platform',
]);
const MAX_ASSERTION_SECONDS = 3600;
/** The tolerance for differing clocks. */
const SKEW_SECONDS = 300;

/** A registered service account. */
export interface ServiceAccountKey {
  clientEmail: string;
  projectId: string;
  /** SPKI PEM. */
  publicKey: string;
  /** The key file's private_key_id; checked if the assertion names one. */
  keyId?: string;
}

interface AccessToken {
  account: ServiceAccountKey;
  expiresAt: number;
}

/** Google's token endpoint: accepts a signed assertion and returns an opaque bearer token. */
export class OAuthEndpoint {
  /** The required audience of the assertion; known once the port is open. */
  tokenUri = '';
  issued = 0;
  private readonly accounts = new Map<string, { account: ServiceAccountKey; publicKey: KeyObject }>();
  private readonly accessTokens = new Map<string, AccessToken>();

  constructor(private readonly settings: FcmSettings) {}

  register(account: ServiceAccountKey): void {
    this.accounts.set(account.clientEmail, { account, publicKey: createPublicKey(account.publicKey) });
  }

  hasProject(projectId: string): boolean {
    return [...this.accounts.values()].some(({ account }) => account.projectId === projectId);
  }

  /** Every token issued so far is refused from now on; returns how many. */
  expireAll(): number {
    const expired = this.accessTokens.size;
    this.accessTokens.clear();
    return expired;
  }

  /** The account of a bearer token; undefined if the token is unknown or expired. */
  accountOf(accessToken: string, now: number): ServiceAccountKey | undefined {
    const token = this.accessTokens.get(accessToken);
    if (!token) return undefined;
    if (token.expiresAt > now) return token.account;
    this.accessTokens.delete(accessToken);
    return undefined;
  }

  /** Answers `POST /token`. */
  exchange(request: ReceivedRequest): Judgement {
    if (!String(request.headers['content-type']).startsWith('application/x-www-form-urlencoded')) {
      return refuse('invalid_request', 'The body must be application/x-www-form-urlencoded.');
    }
    const form = new URLSearchParams(request.body.toString('utf8'));
    if (form.get('grant_type') !== GRANT_TYPE) {
      return refuse('unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type') ?? ''}`);
    }
    const jws = readJws(form.get('assertion') ?? '');
    if (!jws) return refuse('invalid_grant', 'Invalid JWT: the assertion is not a compact JWS.');
    const entry = this.accounts.get(String(jws.claims['iss']));
    if (!entry) return refuse('invalid_grant', 'Invalid grant: account not found');
    const kid = jws.header['kid'];
    const keyKnown = kid === undefined || entry.account.keyId === undefined || kid === entry.account.keyId;
    if (!keyKnown || !verifyJws(jws, 'RS256', entry.publicKey))
      return refuse('invalid_grant', 'Invalid JWT Signature.');
    const now = Date.now();
    const fault = this.claimFault(jws, now / 1000);
    return fault ? refuse(fault.error, fault.description) : this.issue(entry.account, now);
  }

  private claimFault(jws: Jws, nowSeconds: number): { error: string; description: string } | null {
    const { iat, exp, aud, scope } = jws.claims;
    if (aud !== this.tokenUri) return { error: 'invalid_grant', description: 'Invalid JWT: Failed audience check.' };
    const timely =
      typeof iat === 'number' &&
      typeof exp === 'number' &&
      exp > iat &&
      exp - iat <= MAX_ASSERTION_SECONDS &&
      iat <= nowSeconds + SKEW_SECONDS &&
      exp > nowSeconds - SKEW_SECONDS;
    if (!timely) {
      const description =
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. ' +
        'Check your iat and exp values in the JWT claim.';
      return { error: 'invalid_grant', description };
    }
    if (typeof scope === 'string' && scope.split(' ').some((one) => SCOPES.has(one))) return null;
    return { error: 'invalid_scope', description: 'Invalid OAuth scope or ID token audience provided.' };
  }

  private issue(account: ServiceAccountKey, now: number): Judgement {
    const accessToken = `ya29.${randomBytes(32).toString('base64url')}`;
    const { tokenLifeSeconds } = this.settings;
    this.accessTokens.set(accessToken, { account, expiresAt: now + tokenLifeSeconds * 1000 });
    this.issued += 1;
    const body = { access_token: accessToken, expires_in: tokenLifeSeconds, token_type: 'Bearer' };
    return { kind: 'served', answer: json(200, body), reason: 'token issued' };
  }
}

function refuse(error: string, description: string): Judgement {
  const answer = json(400, { error, error_description: description });
  return { kind: 'refuse', answer, reason: error, token: '' };
}
