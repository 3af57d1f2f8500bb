import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import {
  ClientSecretBasic,
  ClientSecretPost,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  refreshTokenGrant,
} from 'openid-client';
import type { ClientAuth, Configuration, TokenEndpointResponse } from 'openid-client';
import type { Grants, Person, PersonNews } from '../../auth/session/session.js';
import { Sessions } from '../../auth/session/sessions.js';
import { Clock } from '../../common/clock.js';
import { HOUR_MS } from '../../common/durations.js';
import { printable, rootCause } from '../../common/errors.js';
import { Outage } from '../../common/outage.js';
import { outgoingFetch } from '../../common/outgoing-fetch.js';
import { CONFIG } from '../../common/tokens.js';
import { wayOf } from '../../common/tunnel.js';
import type { Config } from '../../config.js';
import type { People } from '../../people-settings.js';
import { readTexts } from './claim.js';
import type { Flow } from './flow.js';
import { grantsOf } from './roles.js';

/** Of each request to the provider; a person waits for it. */
const TIMEOUT_S = 5;
/** After a failure, the provider is asked again after this time at the earliest. */
const PAUSE_MS = 2_000;
/** The provider's addresses are read again after this time; its keys by openid-client, when an unknown one signs. */
const KEEP_MS = HOUR_MS;

/** Why a sign-in did not come about, for the page. */
export type SignInProblem = 'providerAway' | 'signInExpired' | 'refused' | 'noRole' | 'failed';

export class SignInError extends Error {
  constructor(
    readonly problem: SignInProblem,
    options?: ErrorOptions,
  ) {
    super(problem, options);
    this.name = 'SignInError';
  }
}

type Claims = Record<string, unknown>;

/** Kept with the session, to ask the provider again. */
interface Credentials {
  /** Absent: the provider gave none, so that the access token has to do while it lasts. */
  refreshToken?: string;
  accessToken: string;
  /** Epoch milliseconds. */
  accessEndsAt: number;
  /** Whether the groups came from the userinfo endpoint, and not in the ID token. */
  isByUserInfo: boolean;
}

interface Found {
  at: number;
  configuration: Promise<Configuration>;
}

/** The identity provider of the settings, found when a person first signs in: no start waits for it. */
@Injectable()
export class IdentityProvider implements OnModuleInit {
  private readonly outage: Outage;
  private found: Found | undefined;
  private failedAt = -Infinity;

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'people' | 'providerCa' | 'proxy'>,
    private readonly clock: Clock,
    private readonly sessions: Sessions,
  ) {
    const name = `The identity provider ${config.people?.issuer}`;
    this.outage = new Outage(new Logger('People'), {
      begins: `${name} cannot be reached`,
      ends: `${name} answers again`,
    });
  }

  onModuleInit(): void {
    if (this.config.people) this.sessions.checkPeopleBy(this.askAgain.bind(this));
  }

  /** Null: people cannot sign in. */
  get label(): string | null {
    return this.config.people ? new URL(this.config.people.issuer).host : null;
  }

  /** The address that the browser is sent to. Throws SignInError. */
  async signInAddress({ state, nonce, verifier }: Flow, redirectUri: string): Promise<string> {
    const configuration = await this.find();
    return buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.people.scope,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...{ state, nonce },
    }).href;
  }

  /** The person and its scopes, by the answer in the address of the callback. Throws SignInError. */
  async readAnswer({ state, nonce, verifier }: Flow, address: URL): Promise<{ person: Person; news: PersonNews }> {
    if (address.searchParams.get('error') === 'access_denied') throw new SignInError('refused');
    const configuration = await this.find();
    try {
      const tokens = await authorizationCodeGrant(configuration, address, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
      });
      const claims = tokens.claims()!;
      const known = await this.withUserInfo(configuration, claims, tokens.access_token);
      const credentials: Credentials = {
        ...this.credentialsOf(tokens),
        isByUserInfo: this.groupsIn(claims).length === 0,
      };
      const news = { grants: this.grantsOf(known), credentials: JSON.stringify(credentials) };
      return { person: personOf(claims.sub, known), news };
    } catch (error) {
      if (error instanceof SignInError) throw error;
      // openid-client fetches the keys at most once a minute, so a new key is found by the next sign-in.
      if (codeOf(error) === 'OAUTH_KEY_SELECTION_FAILED') this.found = undefined;
      throw new SignInError('failed', { cause: error });
    }
  }

  /** Asks the provider again. Null: the person has no rights any more. While the provider is away, all stays. */
  private async askAgain({ subject }: Person, before: PersonNews): Promise<PersonNews | null> {
    const kept = JSON.parse(before.credentials) as Credentials;
    if (kept.refreshToken === undefined && this.clock.now() >= kept.accessEndsAt) return before;
    let news = before;
    try {
      const configuration = await this.find();
      const tokens = kept.refreshToken && (await refreshTokenGrant(configuration, kept.refreshToken));
      if (tokens) news = { ...before, credentials: JSON.stringify({ ...kept, ...this.credentialsOf(tokens) }) };
      const claims = tokens ? tokens.claims() : undefined;
      if (claims && claims.sub !== subject) throw new SignInError('refused');
      const accessToken = tokens ? tokens.access_token : kept.accessToken;
      const known = await this.withUserInfo(configuration, claims ?? { sub: subject }, accessToken);
      this.outage.worked();
      return claims || kept.isByUserInfo ? { ...news, grants: this.grantsOf(known) } : news;
    } catch (error) {
      if (isRefusal(error)) return null;
      this.outage.failed(describe(error));
      return news;
    }
  }

  /** Many providers tell the groups only here, and not in the token. */
  private async withUserInfo(
    configuration: Configuration,
    claims: Claims & { sub: string },
    accessToken: string,
  ): Promise<Claims> {
    const isWhole = this.groupsIn(claims).length > 0 && typeof claims.email === 'string';
    if (isWhole || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
    return { ...claims, ...(await fetchUserInfo(configuration, accessToken, claims.sub)) };
  }

  private groupsIn(claims: Claims): string[] {
    return readTexts(claims, this.people.rolesClaim);
  }

  private grantsOf(claims: Claims): Grants {
    const grants = grantsOf(this.groupsIn(claims), this.people.roles);
    if (grants.length === 0) throw new SignInError('noRole');
    return grants;
  }

  private credentialsOf(tokens: TokenEndpointResponse): Omit<Credentials, 'isByUserInfo'> {
    const { refresh_token: refreshToken, access_token: accessToken, expires_in: seconds = 0 } = tokens;
    return { ...(refreshToken && { refreshToken }), accessToken, accessEndsAt: this.clock.now() + seconds * 1_000 };
  }

  private get people(): People {
    const { people } = this.config;
    if (!people) throw new SignInError('providerAway');
    return people;
  }

  private async find(): Promise<Configuration> {
    const now = this.clock.elapsed();
    if (now - this.failedAt < PAUSE_MS) throw new SignInError('providerAway');
    if (!this.found || now - this.found.at > KEEP_MS) this.found = { at: now, configuration: this.discover() };
    try {
      const configuration = await this.found.configuration;
      this.outage.worked();
      return configuration;
    } catch (error) {
      this.found = undefined;
      this.failedAt = this.clock.elapsed();
      this.outage.failed(describe(error));
      throw new SignInError('providerAway', { cause: error });
    }
  }

  /** With and without a slash at the end an issuer is another one, and each form is pasted. */
  private async discover(): Promise<Configuration> {
    const { issuer } = this.people;
    try {
      return await this.discoverAt(issuer);
    } catch (error) {
      if (codeOf(error) !== 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED') throw error;
      return this.discoverAt(issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/`);
    }
  }

  private discoverAt(issuer: string): Promise<Configuration> {
    const { clientId, clientSecret } = this.people;
    const isPlain = issuer.startsWith('http:');
    return discovery(new URL(issuer), clientId, undefined, authenticateBy(clientSecret), {
      timeout: TIMEOUT_S,
      [customFetch]: outgoingFetch(wayOf({ ca: this.config.providerCa, proxy: this.config.proxy })),
      execute: [enableNonRepudiationChecks, ...(isPlain ? [allowInsecureRequests] : [])],
    });
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

/** The provider, asked again, has ended what it gave (RFC 6749 §5.2, RFC 6750 §3), or tells of no role. */
function isRefusal(error: unknown): boolean {
  if (error instanceof SignInError) return error.problem !== 'providerAway';
  const { error: word, cause } = error as { error?: unknown; cause?: unknown };
  return (
    word === 'invalid_grant' ||
    (cause instanceof Response && [401, 403].includes(cause.status)) ||
    codeOf(error) === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE'
  );
}

/** For the log: kinds of errors, and no claim of a person. */
export function describe(failure: unknown): string {
  const { message, code, error } = failure as { message?: unknown; code?: unknown; error?: unknown };
  const parts = [message, code, typeof error === 'string' ? printable(error) : undefined, rootCause(failure)];
  return [...new Set(parts.filter((part) => typeof part === 'string' && part !== '[object Object]'))].join(', ');
}

/** OpenID Connect Discovery §3: a provider that lists no methods supports Basic. */
function authenticateBy(secret: string): ClientAuth {
  return (server, ...rest) => {
    const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server;
    const method = methods.includes('client_secret_basic') ? ClientSecretBasic(secret) : ClientSecretPost(secret);
    return method(server, ...rest);
  };
}

/** OpenID Connect Core §2: a subject has at most 255 characters of ASCII; the audit and lists name the person by it. */
function personOf(subject: string, claims: Record<string, unknown>): Person {
  if (!/^[\x20-\x7e]{1,255}$/.test(subject)) throw new SignInError('failed', { cause: new Error('unusual subject') });
  const text = (value: unknown): string | null =>
    typeof value === 'string' && value !== '' ? value.toWellFormed().replaceAll('\0', '').slice(0, 255) : null;
  return { subject, name: text(claims.name) ?? text(claims.preferred_username), email: text(claims.email) };
}
