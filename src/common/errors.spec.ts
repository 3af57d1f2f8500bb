import { describe, expect, it } from 'vitest';
import { ApiError, ERROR_CODES, OAuthError, invalidValue, notFound, rootCause } from './errors.js';
import { StartError } from './start-error.js';

it('an ApiError has the status of its code', () => {
  expect(new ApiError('FPWSE0025E', 'busy').status).toBe(503);
  expect(new ApiError('CARIL0401E', 'no token', { 'WWW-Authenticate': 'Bearer' }).headers).toEqual({
    'WWW-Authenticate': 'Bearer',
  });
});

it('codes keep their documented statuses', () => {
  // docs/protocol/mobilefirst.md §9.6; backends may already distinguish these codes.
  expect(ERROR_CODES).toMatchObject({
    FPWSE0001E: 404,
    FPWSE0002E: 409,
    FPWSE0004E: 400,
    FPWSE0005E: 400,
    FPWSE0008E: 400,
    FPWSE0010E: 500,
    FPWSE0011E: 409,
    FPWSE0012E: 404,
    FPWSE0025E: 503,
  });
});

it('notFound names the missing resource and the parameter that named it', () => {
  expect(notFound('device', 'deviceId')).toMatchObject({
    code: 'FPWSE0001E',
    status: 404,
    message: "Not found: the device does not exist. Check the 'deviceId' parameter value.",
  });
});

it('invalidValue names the field and the reason', () => {
  expect(invalidValue('message.alert', 'it is too long')).toMatchObject({
    code: 'FPWSE0005E',
    status: 400,
    message: "Invalid value was provided. Check the 'message.alert' parameter value: it is too long.",
  });
});

it('an OAuthError has status 400 by default', () => {
  expect(new OAuthError('invalid_scope', 'no')).toMatchObject({ error: 'invalid_scope', status: 400 });
  expect(new OAuthError('invalid_client', 'no', 401).status).toBe(401);
});

describe('rootCause', () => {
  const refused = new Error('connect ECONNREFUSED');
  it.each<[string, unknown, string]>([
    ['an error', refused, 'connect ECONNREFUSED'],
    ['a chain', new Error('top', { cause: new Error('middle', { cause: refused }) }), 'connect ECONNREFUSED'],
    ['both addresses of a host', new AggregateError([refused, new Error('the other')], ''), 'connect ECONNREFUSED'],
    ['such under a cause', new Error('top', { cause: new AggregateError([refused]) }), 'connect ECONNREFUSED'],
    ['an empty aggregate', new AggregateError([], 'nothing worked'), 'nothing worked'],
    ['an error without words', new TypeError(''), 'TypeError'],
    ['a text', 'plain', 'plain'],
    ['a text as cause', new Error('top', { cause: 'plain' }), 'plain'],
    ['nothing', undefined, 'undefined'],
  ])('rootCause of %s', (_what, error, expected) => {
    expect(rootCause(error)).toBe(expected);
  });
});

it('a StartError is one line: the problem and its root cause', () => {
  const cause = new Error('top', { cause: new Error('bottom') });
  expect(new StartError('The database cannot be reached', cause)).toMatchObject({
    message: 'The database cannot be reached: bottom',
    cause,
  });
  expect(new StartError('DATA_DIR is in use').message).toBe('DATA_DIR is in use');
});
