import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiOAuth2, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Door } from '../limits/door.js';
import { BearerOrSession } from './bearer-or-session.js';
import type { AuthorizedCaller } from './bearer-or-session.js';

const REQUIRED = Symbol('required scope');
/** The alternatives, each a list of scope elements; a refusal names the first. */
type Required = (request: FastifyRequest) => string[][];

/** The caller; the guards set it on the request. */
export type Authorized = Pick<AuthorizedCaller, 'clientId' | 'person' | 'grants'>;
export type AuthorizedRequest = FastifyRequest & { authorized: Authorized };

/**
 * The route requires this scope element (of several, one) and `push.application.<id>` of the application in its path;
 * without an application in the path, `push.application.*`.
 */
export function RequireScope(element: string | readonly string[]): MethodDecorator & ClassDecorator {
  const elements = typeof element === 'string' ? [element] : element;
  return requirement(
    `${elements.join(' or ')} and the application`,
    elements.map((each) => [each]),
    (request) => elements.map((each) => [each, `push.application.${applicationOfPath(request) ?? '*'}`]),
  );
}

/** Like RequireScope, with all of the elements. */
export function RequireScopes(...elements: readonly string[]): MethodDecorator & ClassDecorator {
  return requirement(`${elements.join(', ')} and the application`, [[...elements]], (request) => [
    [...elements, `push.application.${applicationOfPath(request) ?? '*'}`],
  ]);
}

/** The route requires this scope element and itself checks the application that its body names. */
export function RequireElement(element: string): MethodDecorator & ClassDecorator {
  return requirement(element, [[element]], () => [[element]]);
}

function applicationOfPath({ params }: FastifyRequest): string | undefined {
  return (params as { applicationId?: string }).applicationId;
}

/** `alternatives`: the scope elements for the API document, without the application. */
function requirement(what: string, alternatives: string[][], required: Required): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED, required),
    ...alternatives.map((elements) => ApiOAuth2(elements)),
    ApiBearerAuth(),
    ApiResponse({ status: 401, description: 'No token, or a token that is no longer valid' }),
    ApiResponse({ status: 403, description: `The scope does not cover ${what}` }),
  );
}

@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly callers: BearerOrSession,
    private readonly door: Door,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = this.reflector.getAllAndOverride<Required | undefined>(REQUIRED, [
      context.getHandler(),
      context.getClass(),
    ]);
    // A forgotten decorator must not open the route. Public routes do not use this guard.
    if (required === undefined) throw new Error(`${context.getClass().name}: a route declares no required scope`);
    const request = context.switchToHttp().getRequest<AuthorizedRequest>();
    const caller = await this.callers.authorize(request, required(request));
    request.authorized = caller;
    this.door.enter(context.switchToHttp().getResponse<FastifyReply>(), caller.client, applicationOfPath(request));
    return true;
  }
}
