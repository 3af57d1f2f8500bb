import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiProduces } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { accepts } from './accept.js';
import { ApiError } from './errors.js';

const PRODUCED = Symbol('produced types');
/** Routes for which the vendor documents 406. OAuth (RFC 6749) defines no such answer for its endpoints. */
const ROUTES = /^\/(imfpush|mfpadmin)\//;

/** The route answers this type; errors are JSON. */
export function Produces(type: string): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(PRODUCED, type), ApiProduces(type));
}

/** Answers 406 if the Accept header excludes every type of the route. */
@Injectable()
export class AcceptGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers, routeOptions } = context.switchToHttp().getRequest<FastifyRequest>();
    const produced = this.reflector.get<string | undefined>(PRODUCED, context.getHandler());
    const types = ['application/json', ...(produced === undefined ? [] : [produced])];
    if (!ROUTES.test(routeOptions.url ?? '') || accepts(headers.accept, types)) return true;
    throw new ApiError('CARIL0406E', `This is answered as ${types.join(' or ')}, which the Accept header excludes.`);
  }
}
