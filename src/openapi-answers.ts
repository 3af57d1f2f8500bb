import type { OpenAPIObject } from '@nestjs/swagger';
import { AS_OF, LAG_EXTENSION } from './common/may-lag.js';

/** The answers that follow from the path, the guards and the parameters of an operation. */

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
  tooMany: [429, 'Too many requests; Retry-After has the seconds to wait'],
  internal: [500, 'Internal error; the log has the cause'],
  busy: [503, 'Overloaded, or the database or queue is unreachable: try again'],
} as const;

export const ERROR_SCHEMAS = {
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

/** Adds the refusals, and to an answer that may come from a standby its header. */
export function addAnswers(path: string, operation: Operation): void {
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
  const takesMore =
    operation.parameters?.some((parameter) => 'in' in parameter && ['header', 'query'].includes(parameter.in)) ?? false;
  const isGuarded = (operation.security ?? []).length > 0;
  const causes: (keyof typeof REFUSALS)[] = ['internal', 'busy'];
  if (isGuarded) causes.push('unauthorized', 'forbidden', 'tooMany');
  if (takesBody || takesMore) causes.push('badRequest');
  // An import has no size limit.
  if (takesBody && !path.endsWith(':import')) causes.push('tooLarge');
  if (takesBody) causes.push('tooSlow', 'coding');
  if (path.includes('{')) causes.push('notFound');
  if (isApi && !path.endsWith('/swagger.json')) causes.push('notAcceptable');
  // Messages are parsed whatever their content type is; the az endpoints accept forms.
  if (isApi && takesBody && !/\/messages(\/bulk|\/\{messageId\}\/resend)?$/.test(path)) causes.push('contentType');
  return causes;
}
