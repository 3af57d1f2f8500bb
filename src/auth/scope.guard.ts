import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../common/errors.js';
import { AccessTokens } from './access-tokens.js';
import { DEFAULT_SCOPE, covers } from './scope.js';

const REQUIRED_ELEMENT = Symbol('required scope element');

/** Who calls: set on the request by the guard. */
export interface Authorized {
  clientId: string;
}
export type AuthorizedRequest = FastifyRequest & { authorized: Authorized };

/** The route wants this scope element and, besides, `push.application.<id>` of the application in its path. */
export function RequireScope(element: string): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED_ELEMENT, element),
    ApiBearerAuth(),
    ApiResponse({ status: 401, description: 'No token, or one that no longer holds' }),
    ApiResponse({ status: 403, description: `The scope does not cover ${element} and the application` }),
  );
}

/** Answers as mobilefirst.md §7 has it; clients read the scope out of the header and ask for it. */
@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly accessTokens: AccessTokens,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const element = this.reflector.getAllAndOverride<string | undefined>(REQUIRED_ELEMENT, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (element === undefined) return true;
    const request = context.switchToHttp().getRequest<AuthorizedRequest>();
    const token = await this.accessTokens.read(bearerToken(request.headers.authorization));
    if (!token) throw unauthorized('Bearer error="invalid_token"', 'The access token is invalid or has expired.');
    const applicationId = (request.params as { applicationId?: string }).applicationId;
    const required = [element, `push.application.${applicationId ?? '*'}`];
    if (!covers(token.scope, required)) throw forbidden(required);
    request.authorized = { clientId: token.clientId };
    return true;
  }
}

function bearerToken(header: string | undefined): string {
  if (header === undefined) throw unauthorized('Bearer', 'An access token is required.');
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1];
  if (!token) throw unauthorized('Bearer error="invalid_token"', 'The Authorization header is not a Bearer token.');
  return token;
}

function unauthorized(challenge: string, message: string): ApiError {
  return new ApiError('CARIL0401E', message, { 'www-authenticate': challenge });
}

function forbidden(required: readonly string[]): ApiError {
  // A path can hold any character; a quoted string of RFC 9110 §5.6.4 cannot.
  const scope = [DEFAULT_SCOPE, ...required].join(' ').replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/gu, encodeURIComponent);
  return new ApiError('CARIL0403E', `The token's scope does not cover this call; it needs: ${required.join(' ')}.`, {
    'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"`,
  });
}
