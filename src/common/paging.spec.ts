import { describe, expect, it } from 'vitest';
import { readPage, toPageInfo } from './paging.js';
import type { Cursor } from './paging.js';

describe('readPage reads the requested page', () => {
  it.each([
    ['nothing said', {}, { offset: 0, size: 100 }],
    ['offset and size', { offset: '20', size: '10' }, { offset: 20, size: 10 }],
    ['empty values', { offset: '', size: '' }, { offset: 0, size: 100 }],
    ['more than a page takes', { size: '100000' }, { offset: 0, size: 1_000 }],
  ])('readPage: %s', (_name, query, wanted) => {
    expect(readPage(query)).toEqual({ ...wanted, cursor: undefined });
  });

  it.each([
    ['offset', '-1', 'FPWSE1079E'],
    ['offset', '1.5', 'FPWSE1079E'],
    ['offset', 'many', 'FPWSE1079E'],
    ['offset', '9999999999', 'FPWSE1079E'],
    ['offset', ['1', '2'], 'FPWSE1079E'],
    ['size', '0', 'FPWSE1080E'],
    ['size', '-5', 'FPWSE1080E'],
    ['size', '1e3', 'FPWSE1080E'],
    ['cursor', 'nonsense', 'FPWSE0005E'],
    ['cursor', Buffer.from('{"side":"after"}').toString('base64url'), 'FPWSE0005E'],
    ['cursor', Buffer.from('["beside",1,2]').toString('base64url'), 'FPWSE0005E'],
    ['cursor', Buffer.from('["after",1,{"a":1}]').toString('base64url'), 'FPWSE0005E'],
    ['cursor', Buffer.from('["after",1,"a\\u0000"]').toString('base64url'), 'FPWSE0005E'],
  ])('readPage refuses %s %j', (name, value, code) => {
    expect(() => readPage({ [name]: value })).toThrow(expect.objectContaining({ code }) as Error);
  });
});

describe('pageInfo', () => {
  const cursor = (side: Cursor['side'], key: string): Cursor => ({ side, key: [key, 7], total: 250 });

  it('writes counts as text, and no links for the only page', () => {
    expect(toPageInfo('/tags', { offset: 0, size: 100 }, { rows: [1, 2], total: 2 })).toEqual({
      count: '2',
      totalCount: '2',
      next: '',
      previous: '',
    });
  });

  it('writes links that repeat the request and lead to the adjacent pages', () => {
    const page = {
      rows: Array.from({ length: 50 }),
      total: 250,
      next: cursor('after', 'é&'),
      previous: cursor('before', 'a'),
    };
    const info = toPageInfo('/devices/?filter=platform%3D%3DG&size=50&offset=50', { offset: 50, size: 50 }, page);
    expect(info).toMatchObject({ count: '50', totalCount: '250' });
    const [next, previous] = [info.next, info.previous].map((link) => new URL(link, 'http://localhost'));
    expect(next?.pathname).toBe('/devices/');
    expect(next?.searchParams.get('filter')).toBe('platform==G');
    expect(readPage(Object.fromEntries(next!.searchParams))).toEqual({
      offset: 100,
      size: 50,
      cursor: cursor('after', 'é&'),
    });
    expect(readPage(Object.fromEntries(previous!.searchParams))).toEqual({
      offset: 0,
      size: 50,
      cursor: cursor('before', 'a'),
    });
  });
});
