import { readFileSync } from 'node:fs';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { AS_OF, LAG_EXTENSION } from './common/may-lag.js';

const DESCRIPTION = `Push notifications over the MobileFirst 8.0 wire. Obtain a token, then send with it.

Operations that MobileFirst does not have are marked \`x-extension: true\`, with "(extension)" in the summary. Errors are
\`{"code","message"}\`, at the token endpoint those of RFC 6749. Messages are English for every \`Accept-Language\`.`;

/** package.json is beside `src` and beside `dist`. */
const PACKAGE = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

/** Marks the summary of an operation that MobileFirst does not have. */
const EXTENSION = /\(extension\)$/;

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;
type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** Refusals by guards and parsers, with the same cause on every route. */
const REFUSALS = {
  badRequest: [400, 'A parameter or field is missing or invalid: `message` names it and the reason'],
  unauthorized: [401, 'No token, or a token that is no longer valid'],
  forbidden: [403, 'The scope of the token does not cover the request'],
  notFound: [404, 'The application, or the object with this id, does not exist'],
  contentType: [405, 'The content type must be application/json'],
  notAcceptable: [406, 'The Accept header excludes the content type of the answer'],
  tooSlow: [408, 'The body did not arrive in time'],
  tooLarge: [413, 'The body is larger than 1 MiB'],
  coding: [415, 'The charset is not UTF-8, or the content coding is not gzip or br'],
  internal: [500, 'Internal error; the log has the cause'],
  busy: [503, 'Overloaded, or the database or queue is unreachable: try again'],
} as const;

const ERROR_SCHEMAS = {
  Error: {
    type: 'object',
    required: ['code', 'message'],
    properties: {
      code: { type: 'string', example: 'FPWSE0005E' },
      message: { type: 'string', description: 'Text for people with the parameter or field and the reason' },
    },
  },
  OAuthError: {
    type: 'object',
    required: ['error'],
    properties: { error: { type: 'string', example: 'invalid_client' }, error_description: { type: 'string' } },
  },
};

/** Served outside of the routes and their guards. */
const DOCUMENT_PATH = '/imfpush/v1/swagger.json';
const THIS: Operation = {
  operationId: 'readDocument',
  summary: 'This document',
  tags: ['Health'],
  responses: { 200: { description: '', content: { 'application/json': { schema: { type: 'object' } } } } },
};

/** Builds the document from the routes, and adds the errors and marks that follow from their paths. */
export function buildDocument(app: NestFastifyApplication): OpenAPIObject {
  const outline = new DocumentBuilder()
    .setTitle('Carillon')
    .setDescription(DESCRIPTION)
    .setVersion(PACKAGE.version)
    .addBearerAuth()
    .addBasicAuth()
    .build();
  const document = SwaggerModule.createDocument(app, outline);
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, ...ERROR_SCHEMAS },
  };
  document.paths[DOCUMENT_PATH] = { get: THIS };
  for (const [path, item] of Object.entries(document.paths))
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) complete(path, operation);
    }
  return document;
}

function complete(path: string, operation: Operation): void {
  if (EXTENSION.test(operation.summary ?? '')) Object.assign(operation, { 'x-extension': true });
  const responses = operation.responses;
  if (LAG_EXTENSION in operation) addAsOf(responses[200]);
  for (const cause of causesOf(path, operation)) {
    const [status, description] = REFUSALS[cause];
    responses[status] ??= { description };
  }
  const schema = path.includes('/api/az/') ? 'OAuthError' : 'Error';
  for (const [status, response] of Object.entries(responses))
    if (response && Number(status) >= 400 && !('$ref' in response))
      response.content ??= { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
}

/** The header of answers from a standby. */
function addAsOf(response: Operation['responses'][string]): void {
  if (!response || '$ref' in response) return;
  response.headers = {
    ...response.headers,
    [AS_OF]: {
      description:
        'Present if a standby has answered: the answer contains everything that was stored before this time, and perhaps later changes. Usually this time is one to two seconds ago. With `Cache-Control: no-cache` in the request the primary answers, with the present state',
      schema: { type: 'string', format: 'date-time' },
    },
  };
}

function causesOf(path: string, operation: Operation): (keyof typeof REFUSALS)[] {
  const isApi = /^\/(imfpush|mfpadmin)\//.test(path);
  const isAz = path.includes('/api/az/');
  if (!isApi && !isAz) return [];
  const takesBody = operation.requestBody !== undefined;
  const takesQuery = operation.parameters?.some((parameter) => 'in' in parameter && parameter.in === 'query') ?? false;
  const isGuarded = (operation.security ?? []).length > 0;
  const causes: (keyof typeof REFUSALS)[] = ['internal', 'busy'];
  if (isGuarded) causes.push('unauthorized', 'forbidden');
  if (takesBody || takesQuery) causes.push('badRequest');
  // An import has no size limit.
  if (takesBody && !path.endsWith(':import')) causes.push('tooLarge');
  if (takesBody) causes.push('tooSlow', 'coding');
  if (path.includes('{')) causes.push('notFound');
  if (isApi && path !== DOCUMENT_PATH) causes.push('notAcceptable');
  // Messages are parsed whatever their content type is; the az endpoints accept forms.
  if (isApi && takesBody && !/\/messages(\/|$)/.test(path)) causes.push('contentType');
  return causes;
}
