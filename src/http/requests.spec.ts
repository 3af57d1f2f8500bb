import { expect, it } from 'vitest';
import { refusalOf } from './requests.js';

it.each([
  ['GET', '1.1', { host: 'a' }, undefined],
  ['GET', '1.1', { host: '' }, undefined],
  ['GET', '1.0', {}, undefined],
  ['GET', '1.1', {}, 400],
  ['QUERY', '1.1', { host: 'a' }, 405],
  ['PROPFIND', '1.1', { host: 'a' }, 405],
  ['TRACE', '1.1', { host: 'a' }, 405],
  ['POST', '1.1', { host: 'a', 'transfer-encoding': 'chunked' }, undefined],
  ['POST', '1.1', { host: 'a', 'transfer-encoding': ' Chunked' }, undefined],
  ['POST', '1.1', { host: 'a', 'transfer-encoding': 'gzip, chunked' }, 501],
  ['POST', '1.1', { host: 'a', 'transfer-encoding': 'chunked, chunked' }, 501],
])('%s over HTTP/%s with the headers %j: %s', (method, httpVersion, headers, status) => {
  expect(refusalOf({ method, httpVersion, headers })?.status).toBe(status);
});
