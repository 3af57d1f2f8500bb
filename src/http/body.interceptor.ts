import { Inject, Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { parseJson } from '../common/body.js';
import { ApiError, wrongContentType } from '../common/errors.js';
import { JsonBounds } from '../common/json-bounds.js';
import type { MultipartRequest } from '../common/multipart-form.js';
import { readUtf8 } from '../common/text.js';
import { takesBody } from '../common/takes-body.js';
import { CONFIG } from '../common/tokens.js';
import { Turn } from '../common/turn.js';
import type { Config } from '../config.js';
import { BodyReader } from './body-reader.js';

/** A certificate of 64 KB, a few fields, and the lines between the parts. */
const FORM_LIMIT = 131_072;
/** From this size on, decoding and parsing take more than 1 ms. */
const LARGE_BODY = 65_536;
const JSON_TYPE = /^application\/json\s*(;|$)/i;
const FORM_TYPE = /^multipart\/form-data\s*(;|$)/i;
const LINES_TYPE = /^application\/(x-)?ndjson\s*(;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([^";,\s]*)/i;

/**
 * Reads the body of a request, after the guards and before the pipes. JSON is parsed; NDJSON is a stream on the route
 * that accepts it; other types arrive as text, because their meaning depends on the route. Throws FPWSE0004E for a body
 * on a route without one (RFC 9110 §9.3.1 and §9.3.5 leave this to the server), because ignoring it could hide a
 * mistake of the caller.
 */
@Injectable()
export class BodyInterceptor implements NestInterceptor {
  private readonly reader: BodyReader;

  constructor(@Inject(CONFIG) { http }: Pick<Config, 'http'>) {
    this.reader = new BodyReader({ maxBytes: http.maxBodyBytes, timeoutMs: http.requestTimeoutMs });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<MultipartRequest>();
    return hasBody(request) ? this.takeBody(request, context, next) : next.handle();
  }

  private async takeBody(
    request: MultipartRequest,
    context: ExecutionContext,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    // The body of a GET is never read.
    const isRead = request.method !== 'GET' && request.method !== 'HEAD';
    if (isRead) request.body = await this.read(request, context.switchToHttp().getResponse<FastifyReply>());
    if (!(isRead && isNothing(request.body)) && !takesBody(context))
      throw new ApiError('FPWSE0004E', 'This call accepts no body, but one was sent.');
    return next.handle();
  }

  private async read(request: MultipartRequest, reply: FastifyReply): Promise<unknown> {
    const type = request.headers['content-type'] ?? '';
    checkCharset(type);
    if (LINES_TYPE.test(type)) {
      if (!takesStream(request)) throw wrongContentType();
      return this.reader.readStream(request, reply);
    }
    const limit = request.routeOptions.bodyLimit ?? 0;
    if (FORM_TYPE.test(type)) {
      request.formBytes = await this.reader.readBytes(request, reply, Math.min(limit, FORM_LIMIT));
      return request.formBytes.toString('latin1');
    }
    const bounds = new JsonBounds();
    // A route may parse a text of any type.
    const bytes = await this.reader.readBytes(request, reply, limit, (piece) => bounds.take(piece));
    const read = (): unknown => {
      const text = readUtf8(bytes);
      return JSON_TYPE.test(type) ? readJson(text) : text;
    };
    if (bytes.length <= LARGE_BODY) return read();
    return Turn.give(async (turn) => {
      await turn.pass();
      try {
        return read();
      } finally {
        await turn.pass();
      }
    });
  }
}

/** RFC 9112 §6: a request has a body if one of the two headers announces it. A chunked body may be empty. */
function hasBody({ headers }: FastifyRequest): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function isNothing(body: unknown): boolean {
  return body === undefined || body === null || body === '';
}

/** Refuses a JSON string: bodies of other types arrive as text, and no route accepts a JSON string. */
function readJson(text: string): unknown {
  if (text === '') return undefined;
  const value = parseJson(text);
  if (typeof value === 'string') throw new ApiError('FPWSE0004E', 'The body must be a JSON object.');
  return value;
}

/** RFC 8259 §8.1 allows only UTF-8; another charset read as UTF-8 could become another name. */
function checkCharset(type: string): void {
  const charset = CHARSET.exec(type)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    throw new ApiError('CARIL0415E', 'The charset of the body must be UTF-8.');
}

function takesStream({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as { takesStream?: boolean }).takesStream === true;
}
