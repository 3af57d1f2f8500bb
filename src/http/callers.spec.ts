import { Logger } from '@nestjs/common';
import { fastify } from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { addressOf, trustFunction, warnOfUntrustedProxy } from './callers.js';

const from = (ip: string, ips?: string[], remoteAddress: string | undefined = '10.0.0.1') =>
  addressOf({ ip, ips, socket: { remoteAddress } } as Parameters<typeof addressOf>[0]);

describe('addressOf', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2001:db8::9]:4711', '2001:db8::9'],
    ['::FFFF:203.0.113.9', '203.0.113.9'],
    ['unknown', '10.0.0.1'],
    ['<script>', '10.0.0.1'],
  ])('the address of %j from a trusted hop is %j', (given, address) => {
    expect(from(given, ['10.0.0.1', given])).toBe(address);
  });

  it('addressOf without trusted proxies is the address of the connection', () => {
    expect(from('::ffff:192.0.2.7', undefined)).toBe('192.0.2.7');
  });

  it('addressOf is empty for a closed connection', () => {
    expect(addressOf({ ip: undefined as unknown as string, ips: undefined, socket: {} as never })).toBe('');
  });
});

it.each([
  ['production', [], 1],
  ['production', ['10.0.0.1'], 0],
  ['development', [], 0],
] as const)('in %s, TRUST_PROXY being %j, forwarded requests are %d line', async (environment, trusted, count) => {
  const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  try {
    const server = fastify();
    warnOfUntrustedProxy(server, { environment, trustedProxies: [...trusted] });
    for (const headers of [{}, { 'x-forwarded-for': '203.0.113.9' }, { 'x-forwarded-for': '203.0.113.10' }])
      await server.inject({ url: '/', headers });
    const line = 'A request from 127.0.0.1 has X-Forwarded-For, and TRUST_PROXY is not set: all callers behind that';
    expect(warned.mock.calls).toEqual(Array.from({ length: count }, () => [expect.stringContaining(line)]));
  } finally {
    warned.mockRestore();
  }
});

describe('trustFunction', () => {
  const trusts = trustFunction(['10.1.2.3', '192.168.0.0/16', 'fd00::/8']) as (address: string) => boolean;

  it.each([
    ['10.1.2.3', true],
    ['10.1.2.3:8080', true],
    ['::ffff:10.1.2.3', true],
    ['::FFFF:0a01:0203', true],
    ['192.168.7.7', true],
    ['fd12::1', true],
    ['10.1.2.4', false],
    ['2001:db8::1', false],
    ['unknown', false],
  ])('trustFunction of %s: %s', (address, trusted) => {
    expect(trusts(address)).toBe(trusted);
  });

  it('trustFunction trusts no peer if no proxy is configured', () => {
    expect(trustFunction([])).toBe(false);
  });
});
