import 'reflect-metadata';
import {
  Controller,
  ForbiddenException,
  Get,
  Logger,
  Module,
  Post,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogLine } from './logger.js';
import { ErrorFilter } from './error.filter.js';
import { ApiError, OAuthError, invalidValue } from './errors.js';

const THROWN: Record<string, () => unknown> = {
  api: () => invalidValue('message.alert', 'it is too long'),
  challenge: () => new ApiError('CARIL0401E', 'A token is required.', { 'WWW-Authenticate': 'Bearer' }),
  busy: () => new ApiError('FPWSE0025E', 'Busy, try again.', {}, { cause: new Error('pool exhausted') }),
  full: () => new OAuthError('temporarily_unavailable', 'Try again', 503),
  oauth: () => new OAuthError('invalid_client', 'Unknown client', 401),
  nest: () => new ForbiddenException('words of the framework'),
  media: () => new UnsupportedMediaTypeException(),
  fault: () => new Error('password=hunter2 in /srv/carillon/secret.ts'),
  away: () => Object.assign(new Error('connect hunter2'), { code: 'ECONNREFUSED' }),
  text: () => 'hunter2',
  nothing: () => undefined,
};

/** Throws the error of its path: one route per error, because the log names the route. */
class ThrowingController {}
for (const [name, make] of Object.entries(THROWN)) {
  const value = () => {
    throw make();
  };
  Object.defineProperty(ThrowingController.prototype, name, { value });
  Get(name)(ThrowingController.prototype, name, { value });
}
const value = () => 'ok';
Object.defineProperty(ThrowingController.prototype, 'json', { value });
Post('json')(ThrowingController.prototype, 'json', { value });
// Called as functions: the transform of specs does not support decorators.
Controller()(ThrowingController);

class ThrowingModule {}
Module({ controllers: [ThrowingController] })(ThrowingModule);

let app: NestFastifyApplication;
const logged: string[] = [];
const warned: string[] = [];
const logger: LoggerService = {
  log: () => undefined,
  warn: (...words: unknown[]) => void warned.push(words.join(' | ')),
  error: ({ msg, stack, requestId }: LogLine) =>
    void logged.push(`${msg} | ${String(stack)} | request ${String(requestId)}`),
};

beforeAll(async () => {
  app = await NestFactory.create<NestFastifyApplication>(ThrowingModule, new FastifyAdapter({ bodyLimit: 100 }), {
    logger,
  });
  app.useGlobalFilters(new ErrorFilter());
  await app.init();
});
afterAll(async () => {
  await app.close();
  Logger.overrideLogger(false);
});
beforeEach(() => {
  logged.length = 0;
});

async function get(url: string) {
  const { statusCode, headers, body } = await app.inject({ method: 'GET', url });
  return { status: statusCode, headers, body: JSON.parse(body) as unknown };
}

async function post(contentType: string, payload: string) {
  const { statusCode, body } = await app.inject({
    method: 'POST',
    url: '/json',
    headers: { 'content-type': contentType },
    payload,
  });
  return { status: statusCode, body: JSON.parse(body) as { code: string } };
}

describe('ErrorFilter', () => {
  it('answers an ApiError with its code, message and headers', async () => {
    const answer = await get('/api');
    expect(answer).toMatchObject({
      status: 400,
      body: {
        code: 'FPWSE0005E',
        message: "Invalid value was provided. Check the 'message.alert' parameter value: it is too long.",
      },
    });
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect((await get('/challenge')).headers['www-authenticate']).toBe('Bearer');
  });

  it('answers an OAuthError in the form of RFC 6749, with no-store', async () => {
    const { status, headers, body } = await get('/oauth');
    expect(status).toBe(401);
    expect(body).toEqual({ error: 'invalid_client', error_description: 'Unknown client' });
    expect(headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
  });

  it.each(['fault', 'text', 'nothing'])('answers an internal error (%s) with a constant', async (name) => {
    const { status, body } = await get(`/${name}`);
    expect(status).toBe(500);
    expect(body).toEqual({ code: 'FPWSE0010E', message: 'Internal error. It has been logged.' });
  });

  it('logs an internal error with its stack and the route, not the address', async () => {
    await get('/fault?token=abc');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatch(/^GET \/fault failed \| Error: password=hunter2[^]*error\.filter\.spec/);
    expect(logged[0]).not.toContain('abc');
  });

  it('logs the cause of an internal error that the answer hides', async () => {
    expect((await get('/busy')).body).toEqual({ code: 'FPWSE0025E', message: 'Busy, try again.' });
    expect(logged[0]).toContain('pool exhausted');
  });

  it('an unavailable database is answered 503 with Retry-After, and logged as an outage without a stack', async () => {
    const { status, headers, body } = await get('/away');
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('5');
    expect(body).toEqual({ code: 'FPWSE0025E', message: 'The database is unavailable. Try again later.' });
    expect(warned.filter((line) => !line.endsWith('Refusals'))).toEqual([]);
    expect(logged).toEqual([expect.stringMatching(/^The database cannot be used: connect hunter2 \| undefined/)]);
  });

  it('does not log refusals', async () => {
    await get('/api');
    await get('/nowhere');
    expect(await get('/full')).toMatchObject({ status: 503 });
    expect(logged).toEqual([]);
  });

  it("replaces the framework's refusals by our own texts", async () => {
    expect(await get('/nowhere')).toMatchObject({
      status: 404,
      body: { code: 'FPWSE0001E', message: 'Not found: this path does not exist.' },
    });
    expect(await get('/media')).toMatchObject({ status: 405, body: { code: 'CARIL0405E' } });
    const { status, body } = await get('/nest');
    expect(status).toBe(403);
    expect(JSON.stringify(body)).not.toContain('words of the framework');
  });

  it("replaces the server's refusals by our own texts", async () => {
    expect(await post('application/json', '{')).toMatchObject({ status: 400, body: { code: 'FPWSE0004E' } });
    expect(await post('application/json', `"${'x'.repeat(200)}"`)).toMatchObject({
      status: 413,
      body: { code: 'CARIL0413E' },
    });
    expect(await post('application/xml', '<x/>')).toMatchObject({ status: 405, body: { code: 'CARIL0405E' } });
  });
});

it('the log names the request in a field: lines of one kind are known by message and cause', async () => {
  logged.length = 0;
  await get('/fault');
  expect(logged.join('')).toMatch(/ \| request \S+$/);
});
