import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiQuery } from '@nestjs/swagger';
import { ApiError, invalidValue } from './errors.js';
import { readBoolean, readText } from './query.js';
import type { Query } from './query.js';

/** The documents name no default. SDKs read all tags of an application with one request. */
const DEFAULT_SIZE = 100;
/** More are answered with so many and a `next` link: a page of a thousand devices is half a megabyte. */
const MAX_SIZE = 1_000;

/** Values of the columns that a list is ordered by. */
export type Key = readonly (string | number)[];

/** Where a page begins: beside the row that a link was made from, which costs the same anywhere in a list. */
export interface Cursor {
  side: 'after' | 'before';
  key: Key;
  /** As counted for the first page, so that following the links counts once. */
  total: number;
}

export interface PageRequest {
  offset: number;
  size: number;
  cursor?: Cursor;
}

export interface Page<Row> {
  rows: Row[];
  total: number;
  /** Where the neighbours begin; undefined where there is none. */
  next?: Cursor;
  previous?: Cursor;
}

/** As the vendor's samples print it: counts as text, links or `""`. */
export class PageInfo {
  @ApiProperty({ description: 'Rows of this page' })
  count!: string;
  @ApiProperty({ description: 'Rows of all pages' })
  totalCount!: string;
  @ApiProperty({ description: 'Path of the next page, or empty' })
  next!: string;
  @ApiProperty({ description: 'Path of the page before, or empty' })
  previous!: string;
}

/** `offset`, `size` and the `cursor` of our own links. Throws FPWSE1079E, FPWSE1080E, or FPWSE0005E for the cursor. */
export function readPage(query: Query): PageRequest {
  const offset = readCount(query, 'offset', 0);
  if (offset === undefined) throw new ApiError('FPWSE1079E', "The 'offset' parameter must be a number from 0 on.");
  const size = readCount(query, 'size', DEFAULT_SIZE);
  if (!size) throw new ApiError('FPWSE1080E', "The 'size' parameter must be a number above 0.");
  const cursor = readText(query, 'cursor');
  return { offset, size: Math.min(size, MAX_SIZE), cursor: cursor === undefined ? undefined : decode(cursor) };
}

/** Short items are answered only to those who ask for them: the documents' samples without `expand` are full. */
export function readExpand(query: Query, fallback = true): boolean {
  return readBoolean(query, 'expand', fallback);
}

/** `url`: path and query of the request, which the links repeat but for where they begin. */
export function toPageInfo(url: string, { offset, size }: PageRequest, page: Page<unknown>): PageInfo {
  const link = (start: number, cursor: Cursor | undefined): string => {
    if (!cursor) return '';
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    searchParams.set('offset', String(start));
    searchParams.set('size', String(size));
    searchParams.set('cursor', encode(cursor));
    return `${pathname}?${searchParams.toString()}`;
  };
  return {
    count: String(page.rows.length),
    totalCount: String(page.total),
    next: link(offset + page.rows.length, page.next),
    previous: link(Math.max(0, offset - size), page.previous),
  };
}

/** Of a route that answers a list. `expand`: what it does there. */
export function ApiPaging(expand = '`false`: short items'): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'offset',
      required: false,
      type: Number,
      description: 'Rows to skip, from 0; its cost grows with it',
    }),
    ApiQuery({
      name: 'size',
      required: false,
      type: Number,
      description: `Rows of a page, ${DEFAULT_SIZE} if not said, at most ${MAX_SIZE}`,
    }),
    ApiQuery({
      name: 'cursor',
      required: false,
      type: String,
      description: 'Extension: where a page begins, taken from `next` or `previous`; costs the same anywhere in a list',
    }),
    ApiQuery({ name: 'expand', required: false, type: Boolean, description: expand }),
  );
}

/** The names that the route's `filter` takes, for people. */
export function ApiFilter(names: string): MethodDecorator {
  return ApiQuery({
    name: 'filter',
    required: false,
    isArray: true,
    type: String,
    description: `\`name==value\` or, for contains, \`name=@value\`, of ${names}. A comma is or, a repeated parameter and; a backslash escapes both comma and backslash`,
  });
}

/** Undefined for what is no count. 2^31: PostgreSQL would skip rows for hours. */
function readCount(query: Query, name: string, fallback: number): number | undefined {
  const value = query[name];
  if (value === undefined || value === '') return fallback;
  if (typeof value !== 'string' || !/^\d{1,10}$/.test(value)) return undefined;
  const count = Number(value);
  return count < 2 ** 31 ? count : undefined;
}

function encode({ side, key, total }: Cursor): string {
  return Buffer.from(JSON.stringify([side, total, ...key])).toString('base64url');
}

function decode(text: string): Cursor {
  const broken = invalidValue('cursor', 'it must be one of a next or previous link');
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw broken;
  }
  if (!Array.isArray(parts)) throw broken;
  const [side, total, ...key] = parts as unknown[];
  if ((side !== 'after' && side !== 'before') || !Number.isSafeInteger(total) || !key.every(isKeyValue)) throw broken;
  return { side, total: total as number, key };
}

function isKeyValue(value: unknown): value is string | number {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  return Number.isSafeInteger(value);
}
