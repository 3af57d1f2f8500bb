import type { LookupAddress, LookupOptions } from 'node:dns';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { guardedLookup, isPublicAddress, leadsInside } from './public-address.js';

describe('isPublicAddress', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::200a',
  ])('isPublicAddress: %s is public', (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    ['0.0.0.0', 'this host'],
    ['10.1.2.3', 'private'],
    ['100.64.0.1', 'shared (CGNAT)'],
    ['100.127.255.255', 'shared (CGNAT)'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'link-local: the clouds’ metadata service'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.170', 'protocol assignments'],
    ['192.0.2.1', 'documentation'],
    ['192.168.1.1', 'private'],
    ['198.19.0.1', 'benchmarks'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'IPv4-mapped'],
    ['::ffff:7f00:1', 'IPv4-mapped'],
    ['::ffff:8.8.8.8', 'IPv4-mapped'],
    ['::7f00:1', 'IPv4-compatible'],
    ['64:ff9b::7f00:1', 'NAT64'],
    ['fc00::1', 'unique-local'],
    ['fd12:3456::1', 'unique-local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['2001::1', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['2002:7f00:1::', '6to4'],
    ['example.com', 'no address'],
    ['', 'no address'],
  ])('isPublicAddress: %s is not public: %s', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('isPublicAddress beside ipaddr.js', () => {
  /** One address inside and on both sides of each network that either list has, and some random addresses. */
  const v4 = (): string[] => {
    const found: string[] = [];
    for (const first of Array(256).keys())
      for (const second of [
        0, 1, 2, 15, 16, 17, 18, 19, 20, 31, 32, 51, 63, 64, 88, 100, 113, 127, 128, 168, 169, 170, 175, 254, 255,
      ])
        for (const third of [0, 1, 2, 99, 100, 113, 255]) found.push(`${first}.${second}.${third}.7`);
    return found;
  };
  const v6 = (): string[] => {
    const found: string[] = [];
    for (const first of Array(4096).keys()) found.push(`${((first << 4) | 1).toString(16)}::1`);
    for (const second of ['0', '1', '2', '20', '1ff', '200', 'db8', 'db9', 'fff', '1000', 'ffff'])
      for (const first of ['64', '100', '1fff', '2000', '2001', '2002', '2003', '2620', '2a00', '3fff', '4000', '5f00'])
        found.push(`${first}:${second}::7f00:1`);
    return found;
  };

  it.each<[string, () => string[]]>([
    ['IPv4', v4],
    ['IPv6', v6],
  ])('no %s address that ipaddr.js calls special is public', (_name, addresses) => {
    const wrong = addresses().filter((each) => isPublicAddress(each) && ipaddr.parse(each).range() !== 'unicast');
    expect(wrong).toEqual([]);
  });

  it('addresses that ipaddr.js calls unicast and that are not public here are outside of 2000::/3', () => {
    const stricter = [...v4(), ...v6()].filter(
      (each) => !isPublicAddress(each) && ipaddr.parse(each).range() === 'unicast',
    );
    const unexplained = stricter.filter((each) => !each.includes(':') || Number.parseInt(each, 16) >> 13 === 1);
    expect(unexplained).toEqual([]);
  });
});

describe('leadsInside', () => {
  it.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://127.1/',
    'https://127.0.0.1./',
    'https://①②⑦.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[0:0:0:0:0:ffff:a9fe:a9fe]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://a.localhost/',
  ])('leadsInside: %s leads inside', (url) => expect(leadsInside(new URL(url))).toBe(true));

  it.each(['https://8.8.8.8/', 'https://134744072/', 'https://[2606:4700::1111]/', 'https://localhost.example/'])(
    'leadsInside: %s does not',
    (url) => expect(leadsInside(new URL(url))).toBe(false),
  );
});

describe('guardedLookup', () => {
  const v4 = (address: string): LookupAddress => ({ address, family: 4 });
  const v6 = (address: string): LookupAddress => ({ address, family: 6 });
  const look = (found: LookupAddress[], options: LookupOptions = { all: true }, allowPrivate = false) =>
    new Promise((resolve) => {
      const lookup = guardedLookup(allowPrivate, () => Promise.resolve(found));
      lookup('push.example', options, (error, address, family) => resolve(error?.code ?? [address, family]));
    });

  it('returns public addresses', async () => {
    const found = [v6('2606:4700::1111'), v4('1.1.1.1')];
    expect(await look(found)).toEqual([found, undefined]);
    expect(await look(found, {})).toEqual(['2606:4700::1111', 6]);
    expect(await look(found, { family: 4 })).toEqual(['1.1.1.1', 4]);
  });

  it('refuses a name if any of its addresses is not public', async () => {
    expect(await look([v4('127.0.0.1')])).toBe('ENOTPUBLIC');
    expect(await look([v4('1.1.1.1'), v6('::1')])).toBe('ENOTPUBLIC');
    expect(await look([v4('1.1.1.1'), v6('::1')], { family: 4 })).toBe('ENOTPUBLIC');
    expect(await look([v4('127.0.0.1')], {}, true)).toEqual(['127.0.0.1', 4]);
  });

  it('fails with the error of the look-up', async () => {
    expect(await look([])).toBe('ENOTFOUND');
    const failing = guardedLookup(false, () => Promise.reject(Object.assign(new Error('no'), { code: 'EAI_AGAIN' })));
    const code = await new Promise((resolve) => failing('a', {}, (error) => resolve(error?.code)));
    expect(code).toBe('EAI_AGAIN');
  });
});
