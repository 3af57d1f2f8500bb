import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiProduces } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { accepts } from './accept.js';
import { ApiError } from './errors.js';

const PRODUCED = Symbol('produced types');
/** Where the vendor documents 406; OAuth's endpoints know no such answer. */
const ROUTES = /^\/(imfpush|mfpadmin)\//;

/** The route answers this type, beside JSON for errors. */
export function Produces(type: string): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(PRODUCED, type), ApiProduces(type));
}

/** 406 when the caller takes nothing that the route can answer. */
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
