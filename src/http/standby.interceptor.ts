import { Inject, Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { lastValueFrom, of } from 'rxjs';
import type { Observable } from 'rxjs';
import { ApiError } from '../common/errors.js';
import { AS_OF, MAY_LAG } from '../common/may-lag.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';

/** Answers routes that may lag from the standby, if there is one that can be used. */
@Injectable()
export class StandbyInterceptor implements NestInterceptor {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly reflector: Reflector,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const { standby } = this.database;
    if (!standby || this.reflector.get(MAY_LAG, context.getHandler()) !== true) return next.handle();
    const http = context.switchToHttp();
    // RFC 9111 §5.2.1.4: the caller wants no answer that was true earlier.
    const wanted = http.getRequest<FastifyRequest>().headers['cache-control'];
    if (/\bno-cache\b/i.test(wanted ?? '')) return next.handle();
    const asOf = await standby.asOf();
    if (asOf === null) return next.handle();
    try {
      const answer = await standby.within(asOf, () => lastValueFrom(next.handle()));
      void http.getResponse<FastifyReply>().header(AS_OF, new Date(asOf).toISOString());
      return of(answer);
    } catch (error) {
      // The standby may not have it yet: a caller reads the message that it has just sent.
      if (error instanceof ApiError && error.status === 404) return next.handle();
      throw error;
    }
  }
}
