import { Injectable, SetMetadata, UseGuards, applyDecorators, createParamDecorator } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBasicAuth, ApiBearerAuth, ApiExtension, ApiOAuth2, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiError, OAuthError } from '../common/errors.js';
import { callerRequestOf } from '../http/callers.js';
import type { Actor } from './audit.repository.js';
import { BasicOrBearer } from './basic-or-bearer.js';
import type { AuthorizedCaller } from './bearer-or-session.js';
import { unauthorized } from './bearer.js';
import type { AdminRole } from './roles.js';
import type { AuthorizedRequest } from './scope.guard.js';
import { SessionGuard } from './session/session-guard.js';

const ALLOWED = Symbol('roles');
/** The roles of a route without a decorator: a forgotten decorator must not open the route. */
const NOTHING_SAID: readonly AdminRole[] = ['mfpadmin'];

/**
 * Accepts Basic or Bearer of a client whose allowed scope covers a role of the route; a token's own scope has to cover
 * the role as well.
 */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly callers: BasicOrBearer,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<AuthorizedRequest>();
    const roles = this.reflector.get<readonly AdminRole[] | undefined>(ALLOWED, context.getHandler());
    request.authorized = await this.identify(request, http.getResponse<FastifyReply>(), roles ?? NOTHING_SAID);
    return true;
  }

  private async identify(
    request: AuthorizedRequest,
    reply: FastifyReply,
    roles: readonly AdminRole[],
  ): Promise<AuthorizedCaller> {
    if (request.headers.authorization === undefined && !SessionGuard.isMeant(request))
      throw unauthorized('Basic realm="carillon", Bearer', 'Basic authentication or an access token is required.');
    try {
      return await this.callers.authorize(request, reply, roles);
    } catch (error) {
      throw error instanceof OAuthError ? inApiWords(error) : error;
    }
  }
}

/** An error of the authenticator, for routes outside of the az endpoints. */
export function inApiWords(
  { status, description, headers }: OAuthError,
  challenge = 'Basic realm="carillon", Bearer',
): ApiError {
  if (status === 429) return new ApiError('CARIL0429E', `${description}.`, headers);
  if (status === 503) return new ApiError('FPWSE0025E', `${description}.`, headers);
  return unauthorized(challenge, `${description}.`);
}

export function AdministratorsOnly(): ClassDecorator {
  return applyDecorators(
    UseGuards(AdminGuard),
    ApiBasicAuth(),
    ApiBearerAuth(),
    ApiResponse({ status: 401, description: 'No client credentials or token, or they are no longer valid' }),
    ApiResponse({
      status: 403,
      description: 'The allowed scope of the client covers no role for this call, or does not cover the change',
    }),
    ApiResponse({
      status: 429,
      description: 'Too many failed attempts, or too many requests of the client; Retry-After has the seconds to wait',
    }),
  );
}

/** The roles that may call the route. */
export function AllowRoles(...roles: readonly AdminRole[]): MethodDecorator {
  return applyDecorators(
    SetMetadata(ALLOWED, roles),
    ApiExtension('x-roles', roles),
    ...roles.map((role) => ApiOAuth2([role])),
  );
}

/** Parameter: the caller, for the audit log. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const request = context.switchToHttp().getRequest<AuthorizedRequest>();
  return actorOf(request);
});

/** The caller of an authorised request, for the audit log. */
export function actorOf(request: AuthorizedRequest): Actor {
  const { clientId, person, grants } = request.authorized;
  return { clientId, ...callerRequestOf(request), ...(person && { person, grants }) };
}
