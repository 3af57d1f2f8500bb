import { expect, it } from 'vitest';
import { isTicketPath, linkOf, routedAddress } from './ticket.js';

const TICKET = 'A'.repeat(43);

it('leads to the call with the ticket as a header', () => {
  const path = '/imfpush/v1/apps/a/devices:export?a=1';
  const request = { url: linkOf(TICKET, path), headers: {} };
  expect(routedAddress(request)).toBe(path);
  expect(request.headers).toEqual({ 'carillon-ticket': TICKET, accept: 'application/x-ndjson, */*;q=0.5' });
});

it.each(['/imfpush/v1/apps', '/console/download/short/imfpush/v1/apps', `/console/download/${TICKET}`, '/console/'])(
  'leaves %s as it is',
  (url) => {
    const request = { url, headers: {} };
    expect(routedAddress(request)).toBe(url);
    expect(request.headers).toEqual({});
  },
);

it('is made for calls of the API alone', () => {
  for (const path of ['/imfpush/v1/apps/a/devices:export', '/imfpush/v1/apps/a/messages?label=a%20b', '/mfpadmin/x'])
    expect(isTicketPath(path)).toBe(true);
  for (const path of [
    '/mfp/api/az/v1/token',
    '/console/',
    '//evil.test/imfpush/v1/',
    '/imfpush/v1/a b',
    '/imfpush/v1/\\',
    'x',
  ])
    expect(isTicketPath(path)).toBe(false);
});
