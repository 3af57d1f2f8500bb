import { Injectable } from '@nestjs/common';
import { OAuthError } from '../common/errors.js';
import { AccessTokens } from './access-tokens.js';
import { ClientAuthenticator } from './client-authenticator.js';
import type { KnownClient } from './client-snapshot.js';
import { parseForm, readAssertion, refuseOtherClient, refuseOtherCredentials, requireParameter } from './token-form.js';
import { LiveTokens } from './live-tokens.js';
import { RevokedTokens } from './revoked-tokens.js';
import { DEFAULT_SCOPE, covers, parseScope } from './scope.js';
import { TOKEN_LIFETIME_S } from './signing-keys.js';

/** A form request as received. */
export interface AzRequest {
  contentType: string | undefined;
  authorization: string | undefined;
  body: unknown;
  address: string;
  /** The thumbprint of the certificate that the caller showed; null: none. */
  certificate: string | null;
  /** Called with the authenticated client; throws if the client exceeds its limits. */
  enter: (client: KnownClient) => void;
}

export interface TokenAnswer {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  scope: string;
}

/** Issues and revokes tokens, in small steps that throw OAuthError. */
@Injectable()
export class TokenService {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly accessTokens: AccessTokens,
    private readonly liveTokens: LiveTokens,
    private readonly revokedTokens: RevokedTokens,
  ) {}

  /** The client_credentials grant. */
  async issueToken({ contentType, authorization, body, address, certificate, enter }: AzRequest): Promise<TokenAnswer> {
    const parameters = parseForm(contentType, body);
    checkGrantType(requireParameter(parameters, 'grant_type'));
    const client = await this.authenticate(parameters, authorization, address);
    enter(client);
    refuseOtherClient(parameters, client.id);
    const scope = checkScope(parameters.get('scope'), client);
    if (client.certificateBound && certificate === null)
      throw new OAuthError('invalid_request', 'The client gets tokens only over a certificate, and none was shown');
    return {
      access_token: this.accessTokens.issue(client, scope, certificate),
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_S,
      scope,
    };
  }

  /** RFC 7009: a client may revoke each of its own tokens; an invalid token counts as revoked. */
  async revokeToken({ contentType, authorization, body, address, enter }: AzRequest): Promise<void> {
    const parameters = parseForm(contentType, body);
    const text = requireParameter(parameters, 'token');
    const client = await this.authenticate(parameters, authorization, address);
    enter(client);
    refuseOtherClient(parameters, client.id);
    const token = await this.liveTokens.find(text);
    if (!token) return;
    if (token.clientId !== client.id) throw new OAuthError('invalid_request', 'The token was issued to another client');
    await this.revokedTokens.revoke(token.jti, token.expiresAt);
  }

  private authenticate(
    parameters: ReadonlyMap<string, string>,
    authorization: string | undefined,
    address: string,
  ): Promise<KnownClient> {
    refuseOtherCredentials(parameters);
    const assertion = readAssertion(parameters, authorization);
    if (assertion !== undefined) return this.authenticator.authenticateBy(assertion, address);
    return this.authenticator.authenticate(authorization, address);
  }
}

function checkGrantType(grant: string): void {
  if (grant !== 'client_credentials')
    throw new OAuthError('unsupported_grant_type', 'grant_type must be client_credentials');
}

/** The scope to grant: the requested elements in their order, or the default. */
function checkScope(asked: string | undefined, client: KnownClient): string {
  const elements = parseScope(asked?.trim() || DEFAULT_SCOPE);
  if (!elements) throw new OAuthError('invalid_scope', 'The scope is malformed or too long');
  if (!covers([DEFAULT_SCOPE, ...client.allowed], elements))
    throw new OAuthError('invalid_scope', "The scope is outside the client's allowed scope");
  return elements.join(' ');
}
