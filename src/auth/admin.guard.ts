import { Injectable, UseGuards, applyDecorators, createParamDecorator } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ApiBasicAuth, ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import { ApiError, OAuthError } from '../common/errors.js';
import type { Actor } from './audit.repository.js';
import { insufficientScope, unauthorized } from './bearer.js';
import { ADMINISTRATION, mayAdminister } from './client.js';
import { ClientAuthenticator } from './client-authenticator.js';
import { LiveTokens } from './live-tokens.js';
import type { AuthorizedRequest } from './scope.guard.js';

/** Basic or Bearer of a client whose allowed scope covers `mfpadmin`; a token's own scope has to cover it as well. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly tokens: LiveTokens,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AuthorizedRequest>();
    request.authorized = { clientId: await this.identify(request) };
    return true;
  }

  private async identify({ headers: { authorization }, ip }: AuthorizedRequest): Promise<string> {
    if (authorization === undefined)
      throw unauthorized('Basic realm="carillon", Bearer', 'Basic authentication or an access token is required.');
    if (!/^basic\b/i.test(authorization))
      return (await this.tokens.authorize(authorization, [ADMINISTRATION])).clientId;
    try {
      const client = await this.authenticator.authenticate(authorization, ip);
      if (!mayAdminister(client)) throw insufficientScope([ADMINISTRATION]);
      return client.id;
    } catch (error) {
      throw error instanceof OAuthError ? inApiWords(error) : error;
    }
  }
}

function inApiWords({ status, description, headers }: OAuthError): ApiError {
  if (status === 429) return new ApiError('CARIL0429E', `${description}.`, headers);
  if (status === 503) return new ApiError('FPWSE0025E', `${description}.`, headers);
  return unauthorized('Basic realm="carillon", Bearer', `${description}.`);
}

export function AdministratorsOnly(): ClassDecorator {
  return applyDecorators(
    UseGuards(AdminGuard),
    ApiBasicAuth(),
    ApiBearerAuth(),
    ApiResponse({ status: 401, description: 'No client, or one that no longer holds' }),
    ApiResponse({ status: 403, description: `The allowed scope does not cover ${ADMINISTRATION}` }),
    ApiResponse({ status: 429, description: 'Too many failed attempts; Retry-After says how long to wait' }),
  );
}

/** Parameter: who calls, for the account of changes. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const { authorized, ip } = context.switchToHttp().getRequest<AuthorizedRequest>();
  return { clientId: authorized.clientId, address: ip };
});
