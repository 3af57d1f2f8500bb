import { expect, it } from 'vitest';
import { requestIdOf } from './request-id.js';

it.each(['a', '4bf92f3577b34da6a3ce929d0e0e4736', 'job/2026-11-29T10:00:00+01:00=7', `${'job/'.repeat(31)}2026`])(
  'keeps the id %s of a caller',
  (id) => {
    expect(requestIdOf({ headers: { 'x-request-id': id } })).toBe(id);
  },
);

it.each([
  ['none', undefined],
  ['an empty one', ''],
  ['one of 129 characters', 'a'.repeat(129)],
  ['one of 8 KB', 'a'.repeat(8_192)],
  ['two', 'one, other'],
  ['JSON', '{"level":"error"}'],
  ['umlauts', 'Ã¤rger'],
  ['a control sign', 'a\u0001b'],
  ['a line end', 'a\nb'],
  ['an option of a command', '-rf'],
  ['what may be a token of a device', 'a'.repeat(65)],
  ['what may be a token of APNs', '4bf92f3577b34da6a3ce929d0e0e4736'.repeat(2)],
  ['what may be an access token', 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln'],
  ['a named secret', 'token=abc'],
])('makes an id for %s', (_, given) => {
  const headers = given === undefined ? {} : { 'x-request-id': given };
  const [one, other] = [requestIdOf({ headers }), requestIdOf({ headers })];
  expect(one).toMatch(/^[A-Za-z0-9]{12}-[0-9a-z]+$/);
  expect(other).not.toBe(one);
});
