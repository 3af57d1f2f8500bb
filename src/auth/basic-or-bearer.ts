import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressOf } from '../http/callers.js';
import { Door } from '../limits/door.js';
import { insufficientAllowedScope } from './bearer.js';
import type { KnownClient } from './client-snapshot.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { LiveTokens } from './live-tokens.js';
import { covers } from './scope.js';

/** Routes that accept a client's Basic authentication besides an access token: administration and introspection. */
@Injectable()
export class BasicOrBearer {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly tokens: LiveTokens,
    private readonly door: Door,
  ) {}

  /**
   * Returns the id of the calling client, which needs one of the scope elements; the request counts towards its limits.
   * Throws ApiError, OAuthError.
   */
  async authorize(request: FastifyRequest, reply: FastifyReply, elements: readonly string[]): Promise<string> {
    const client = await this.identify(request, elements);
    this.door.enter(reply, client, undefined);
    return client.id;
  }

  private async identify(request: FastifyRequest, elements: readonly string[]): Promise<KnownClient> {
    const { authorization } = request.headers;
    if (!isBasic(authorization))
      return (
        await this.tokens.authorizeAny(
          authorization,
          elements.map((element) => [element]),
        )
      ).client;
    const client = await this.authenticator.authenticate(authorization, addressOf(request));
    if (!elements.some((element) => covers(client.allowed, [element]))) throw insufficientAllowedScope(elements);
    return client;
  }
}

export function isBasic(header: string | undefined): boolean {
  return /^basic\b/i.test(header ?? '');
}
