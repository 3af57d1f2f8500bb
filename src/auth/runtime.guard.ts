import { Inject, Injectable, UseGuards, applyDecorators } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../common/errors.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';

/** There is one runtime, RUNTIME_NAME; paths of other runtimes do not exist. */
@Injectable()
export class RuntimeGuard implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'runtimeName'>) {}

  canActivate(context: ExecutionContext): boolean {
    const { runtimeName } = context
      .switchToHttp()
      .getRequest<FastifyRequest<{ Params: { runtimeName: string } }>>().params;
    if (runtimeName !== this.config.runtimeName)
      throw new ApiError('FPWSE0001E', 'Not found: this path does not exist.');
    return true;
  }
}

/** For controllers with `:runtimeName` in their path. */
export function InRuntime(): ClassDecorator {
  return applyDecorators(
    UseGuards(RuntimeGuard),
    ApiParam({ name: 'runtimeName', description: 'The setting RUNTIME_NAME', schema: { type: 'string' } }),
  );
}
