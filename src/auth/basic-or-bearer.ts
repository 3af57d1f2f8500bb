import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { addressOf } from '../http/callers.js';
import { insufficientAllowedScope } from './bearer.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { LiveTokens } from './live-tokens.js';
import { covers } from './scope.js';

/** Routes that take a client's Basic authentication beside an access token: administration and introspection. */
@Injectable()
export class BasicOrBearer {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly tokens: LiveTokens,
  ) {}

  /** The id of the client that calls, which may when one of the elements is covered. Throws ApiError, OAuthError. */
  async authorize(request: FastifyRequest, elements: readonly string[]): Promise<string> {
    const { authorization } = request.headers;
    if (!isBasic(authorization))
      return (
        await this.tokens.authorizeAny(
          authorization,
          elements.map((element) => [element]),
        )
      ).clientId;
    const client = await this.authenticator.authenticate(authorization, addressOf(request));
    if (!elements.some((element) => covers(client.allowed, [element]))) throw insufficientAllowedScope(elements);
    return client.id;
  }
}

export function isBasic(header: string | undefined): boolean {
  return /^basic\b/i.test(header ?? '');
}
