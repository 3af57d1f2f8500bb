import { Inject, Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { parseJson } from '../common/body.js';
import { ApiError, wrongContentType } from '../common/errors.js';
import type { FormRequest } from '../common/form.js';
import { readUtf8 } from '../common/text.js';
import { takesBody } from '../common/takes-body.js';
import { CONFIG } from '../common/tokens.js';
import { Turn } from '../common/turn.js';
import type { Config } from '../config.js';
import { BodyReader } from './body-reader.js';

/** A certificate of 64 KB, a few fields, and the lines between the parts. */
const FORM_LIMIT = 131_072;
/** Takes more than 1 ms to decode and parse. */
const LARGE_BODY = 65_536;
const JSON_TYPE = /^application\/json\s*(;|$)/i;
const FORM_TYPE = /^multipart\/form-data\s*(;|$)/i;
const LINES_TYPE = /^application\/(x-)?ndjson\s*(;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([^";,\s]*)/i;

/**
 * Reads the body of a request, after the guards and before the pipes. JSON is parsed; lines are a stream on the route
 * that takes them; everything else arrives as text, because what it is depends on the route. Throws FPWSE0004E for a body
 * where the route takes none (RFC 9110 §9.3.1 and §9.3.5 leave that to the server): its sender meant something by it.
 */
@Injectable()
export class BodyInterceptor implements NestInterceptor {
  private readonly reader: BodyReader;

  constructor(@Inject(CONFIG) { http }: Pick<Config, 'http'>) {
    this.reader = new BodyReader({ maxBytes: http.maxBodyBytes, timeoutMs: http.requestTimeoutMs });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<FormRequest>();
    return hasBody(request) ? this.takeBody(request, context, next) : next.handle();
  }

  private async takeBody(
    request: FormRequest,
    context: ExecutionContext,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    // The body of a GET is never read.
    const isRead = request.method !== 'GET' && request.method !== 'HEAD';
    if (isRead) request.body = await this.read(request, context.switchToHttp().getResponse<FastifyReply>());
    if (!(isRead && isNothing(request.body)) && !takesBody(context))
      throw new ApiError('FPWSE0004E', 'This call takes no body, and one was sent.');
    return next.handle();
  }

  private async read(request: FormRequest, reply: FastifyReply): Promise<unknown> {
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
    const bytes = await this.reader.readBytes(request, reply, limit);
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

/** RFC 9112 §6: a request has a body when one of the two says so. A chunked one may still be empty. */
function hasBody({ headers }: FastifyRequest): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function isNothing(body: unknown): boolean {
  return body === undefined || body === null || body === '';
}

/** Text is what bodies of other types arrive as, and no route takes a JSON string. */
function readJson(text: string): unknown {
  if (text === '') return undefined;
  const value = parseJson(text);
  if (typeof value === 'string') throw new ApiError('FPWSE0004E', 'The body must be a JSON object.');
  return value;
}

/** RFC 8259 §8.1 knows no other than UTF-8, and what is read as UTF-8 and was not would be somebody else's name. */
function checkCharset(type: string): void {
  const charset = CHARSET.exec(type)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    throw new ApiError('CARIL0415E', 'The charset of the body must be UTF-8.');
}

function takesStream({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as { takesStream?: boolean }).takesStream === true;
}
