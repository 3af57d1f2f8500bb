import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BasicOrBearer } from './basic-or-bearer.js';
import type { AuthorizedRequest } from './scope.guard.js';

export const INTROSPECT = 'authorization.introspect';

/**
 * RFC 7662 §2.1 does not fix how a resource server authenticates: MobileFirst's send a token, most others use Basic.
 */
@Injectable()
export class IntrospectionGuard implements CanActivate {
  constructor(private readonly callers: BasicOrBearer) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<AuthorizedRequest>();
    request.authorized = await this.callers.authorize(request, http.getResponse<FastifyReply>(), [INTROSPECT]);
    return true;
  }
}
