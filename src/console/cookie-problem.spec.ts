import { expect, it } from 'vitest';
import { findProblem } from './cookie-problem.js';

const at = (
  host: string,
  headers: Record<string, string> = {},
  isFromProxy = false,
  scheme: 'http' | 'https' = 'http',
) => findProblem({ headers, socket: { remoteAddress: '192.0.2.7' } } as never, { scheme, host }, isFromProxy);

it('https and the own machine keep the cookie', () => {
  expect(at('push.example.test', {}, true, 'https')).toBeNull();
  for (const host of ['localhost:9080', '127.0.0.1:9080', '[::1]:9080', 'localhost']) expect(at(host)).toBeNull();
});

it('tells what is missing, and the setting', () => {
  expect(at('192.168.1.5:9080')).toMatchObject({ code: 'noTls', setting: 'TRUST_PROXY' });
  expect(at('push.example.test', { 'x-forwarded-proto': 'https' })).toMatchObject({
    code: 'untrustedProxy',
    message: expect.stringContaining('192.0.2.7') as string,
    setting: 'TRUST_PROXY',
  });
  expect(at('push.example.test', { 'sec-fetch-site': 'same-origin' }, true)).toMatchObject({ code: 'hiddenTls' });
  // A name that begins like the own machine's is another machine.
  expect(at('localhost.example.test')).toMatchObject({ code: 'noTls' });
});
