import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { OAuthError } from '../common/errors.js';
import { AccessTokens, TOKEN_LIFETIME_S } from './access-tokens.js';
import { ClientRepository } from './client.repository.js';
import type { Client } from './client.repository.js';
import { DEFAULT_SCOPE, covers, parseScope } from './scope.js';
import { SecretVerifier } from './secret.js';
import { checkGrantType, parseBasic, parseForm, requestedScope } from './token-request.js';
import type { Credentials } from './token-request.js';

export interface TokenAnswer {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  scope: string;
}

/** The client_credentials grant, as a row of small steps; each throws OAuthError. */
@Injectable()
export class TokenService {
  private readonly secrets = new SecretVerifier();

  constructor(
    private readonly clients: ClientRepository,
    private readonly accessTokens: AccessTokens,
    private readonly clock: Clock,
  ) {}

  async issueToken(
    contentType: string | undefined,
    authorization: string | undefined,
    body: unknown,
  ): Promise<TokenAnswer> {
    const parameters = parseForm(contentType, body);
    checkGrantType(parameters);
    const client = await this.authenticate(parseBasic(authorization));
    const scope = requestedScope(parameters);
    checkAllowed(client, scope.elements);
    return {
      access_token: await this.accessTokens.issue(client.id, scope.text),
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_S,
      scope: scope.text,
    };
  }

  private async authenticate(candidates: readonly Credentials[]): Promise<Client> {
    for (const { id, secret } of candidates) {
      const client = await this.clients.find(id);
      const matches = await this.secrets.matches(secret, client?.secretHash, this.clock.now());
      if (client?.enabled && matches) return client;
    }
    // MobileFirst's own validators read 400 and this code as "client not registered" (mobilefirst.md §2).
    throw new OAuthError('invalid_client', 'The client id or secret is wrong');
  }
}

function checkAllowed(client: Client, elements: readonly string[]): void {
  const allowed = parseScope(client.allowedScope) ?? [];
  if (!covers([DEFAULT_SCOPE, ...allowed], elements))
    throw new OAuthError('invalid_scope', "The scope is outside the client's allowed scope");
}
