import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { LiveTokens } from './live-tokens.js';

const REQUIRED = Symbol('required scope');
type Required = (applicationId: string | undefined) => string[];

/** Who calls: set on the request by the guards. */
export interface Authorized {
  clientId: string;
}
export type AuthorizedRequest = FastifyRequest & { authorized: Authorized };

/** The route wants this scope element and, besides, `push.application.<id>` of the application in its path. */
export function RequireScope(element: string): MethodDecorator & ClassDecorator {
  return requirement(`${element} and the application`, (id) => [element, `push.application.${id ?? '*'}`]);
}

/** The route wants this scope element alone. */
export function RequireElement(element: string): MethodDecorator & ClassDecorator {
  return requirement(element, () => [element]);
}

function requirement(what: string, required: Required): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED, required),
    ApiBearerAuth(),
    ApiResponse({ status: 401, description: 'No token, or one that no longer holds' }),
    ApiResponse({ status: 403, description: `The scope does not cover ${what}` }),
  );
}

@Injectable()
export class ScopeGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: LiveTokens,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = this.reflector.getAllAndOverride<Required | undefined>(REQUIRED, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (required === undefined) return true;
    const request = context.switchToHttp().getRequest<AuthorizedRequest>();
    const { applicationId } = request.params as { applicationId?: string };
    const token = await this.tokens.authorize(request.headers.authorization, required(applicationId));
    request.authorized = { clientId: token.clientId };
    return true;
  }
}
