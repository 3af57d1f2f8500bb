import { Injectable, SetMetadata } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { ApiError } from './errors.js';

const TAKES_BODY = Symbol('takes a body');

/** The route reads the body from the request itself, without `@Body()`. */
export const TakesBody = (): MethodDecorator => SetMetadata(TAKES_BODY, true);

/**
 * Refuses a body where the route takes none: whoever sends one means something by it that would be passed over. RFC 9110
 * leaves that to the server (§9.3.1 of GET, §9.3.5 of DELETE). After the guards, so that a caller without a token learns nothing.
 */
@Injectable()
export class NoBodyInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (hasBody(context.switchToHttp().getRequest<FastifyRequest>()) && !this.takesBody(context))
      throw new ApiError('FPWSE0004E', 'This call takes no body, and one was sent.');
    return next.handle();
  }

  private takesBody(context: ExecutionContext): boolean {
    if (this.reflector.get<boolean | undefined>(TAKES_BODY, context.getHandler())) return true;
    // `@Body()` leaves keys such as `3:0`: the kind of the argument, and its place.
    const kinds = (Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), context.getHandler().name) ??
      {}) as object;
    return Object.keys(kinds).some((key) => key.startsWith(`${RouteParamtypes.BODY}:`));
  }
}

/** An empty body is none. Of GET and HEAD the server reads no body: what is announced counts (RFC 9110 §6.4). */
function hasBody({ body, headers, method }: FastifyRequest): boolean {
  if (method !== 'GET' && method !== 'HEAD') return body !== undefined && body !== null && body !== '';
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
