import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addressOf } from '../http/callers.js';
import { Door } from '../limits/door.js';
import { insufficientAllowedScope } from './bearer.js';
import { BearerOrSession } from './bearer-or-session.js';
import type { AuthorizedCaller } from './bearer-or-session.js';
import type { RefusedRequest } from './noted-act.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { covers } from './scope.js';

/**
 * Routes that accept a client's Basic authentication besides an access token or a session: administration and
 * introspection.
 */
@Injectable()
export class BasicOrBearer {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly callers: BearerOrSession,
    private readonly door: Door,
  ) {}

  /**
   * Returns the caller, which needs one of the scope elements; the request counts towards its limits.
   * Throws ApiError, OAuthError.
   */
  async authorize(
    request: FastifyRequest,
    reply: FastifyReply,
    elements: readonly string[],
  ): Promise<AuthorizedCaller> {
    const caller = await this.identify(request, elements);
    this.door.enter(reply, caller.client, undefined);
    return caller;
  }

  private async identify(request: RefusedRequest, elements: readonly string[]): Promise<AuthorizedCaller> {
    const { authorization } = request.headers;
    if (!isBasic(authorization))
      return this.callers.authorize(
        request,
        elements.map((element) => [element]),
      );
    const client = await this.authenticator.authenticate(authorization, addressOf(request));
    const caller = { clientId: client.id, client };
    if (!elements.some((element) => covers(client.allowed, [element]))) {
      request.refused = caller;
      throw insufficientAllowedScope(elements);
    }
    return caller;
  }
}

export function isBasic(header: string | undefined): boolean {
  return /^basic\b/i.test(header ?? '');
}
