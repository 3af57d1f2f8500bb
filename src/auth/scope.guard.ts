import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Door } from '../limits/door.js';
import { LiveTokens } from './live-tokens.js';

const REQUIRED = Symbol('required scope');
/** Ways to be allowed, each a list of scope elements; the first is what a refusal names. */
type Required = (request: FastifyRequest) => string[][];

/** Who calls: set on the request by the guards. */
export interface Authorized {
  clientId: string;
}
export type AuthorizedRequest = FastifyRequest & { authorized: Authorized };

/**
 * The route wants this scope element (of several, one) and, besides, `push.application.<id>` of the application in its
 * path; where there is none, `push.application.*`.
 */
export function RequireScope(element: string | readonly string[]): MethodDecorator & ClassDecorator {
  const elements = typeof element === 'string' ? [element] : element;
  return requirement(`${elements.join(' or ')} and the application`, (request) =>
    elements.map((each) => [each, `push.application.${applicationOfPath(request) ?? '*'}`]),
  );
}

/** As RequireScope, with all of the elements. */
export function RequireScopes(...elements: readonly string[]): MethodDecorator & ClassDecorator {
  return requirement(`${elements.join(', ')} and the application`, (request) => [
    [...elements, `push.application.${applicationOfPath(request) ?? '*'}`],
  ]);
}

/** The route wants this scope element, and looks itself for the application that its body names. */
export function RequireElement(element: string): MethodDecorator & ClassDecorator {
  return requirement(element, () => [[element]]);
}

function applicationOfPath({ params }: FastifyRequest): string | undefined {
  return (params as { applicationId?: string }).applicationId;
}

function requirement(what: string, required: Required): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED, required),
    ApiBearerAuth(),
    ApiResponse({ status: 401, description: 'No token, or a token that is no longer valid' }),
    ApiResponse({ status: 403, description: `The scope does not cover ${what}` }),
  );
}

@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: LiveTokens,
    private readonly door: Door,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = this.reflector.getAllAndOverride<Required | undefined>(REQUIRED, [
      context.getHandler(),
      context.getClass(),
    ]);
    // A decorator that was forgotten must not open the route. One that is open is not behind this guard.
    if (required === undefined) throw new Error(`${context.getClass().name}: a route says no scope that it wants`);
    const request = context.switchToHttp().getRequest<AuthorizedRequest>();
    const token = await this.tokens.authorizeAny(request.headers.authorization, required(request));
    request.authorized = { clientId: token.clientId };
    this.door.enter(context.switchToHttp().getResponse<FastifyReply>(), token.client, applicationOfPath(request));
    return true;
  }
}
