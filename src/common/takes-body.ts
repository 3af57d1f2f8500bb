import { SetMetadata } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';

const TAKES_BODY = Symbol('takes a body');

/** The route reads the body from the request, without `@Body()`. */
export const TakesBody = (): MethodDecorator => SetMetadata(TAKES_BODY, true);

export function takesBody(route: Pick<ExecutionContext, 'getClass' | 'getHandler'>): boolean {
  const handler = route.getHandler();
  if (Reflect.hasMetadata(TAKES_BODY, handler)) return true;
  // `@Body()` leaves keys such as `3:0`: the kind of the argument and its index.
  const kinds = (Reflect.getMetadata(ROUTE_ARGS_METADATA, route.getClass(), handler.name) ?? {}) as object;
  return Object.keys(kinds).some((key) => key.startsWith(`${RouteParamtypes.BODY}:`));
}
