import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiQuery } from '@nestjs/swagger';
import { ApiError, invalidValue } from './errors.js';
import { readBoolean, readText } from './query.js';
import type { Query } from './query.js';

/** MobileFirst's documents name no default. SDKs read all tags of an application with one request. */
const DEFAULT_SIZE = 100;
/**
 * Largest page; a page of a thousand devices has half a megabyte. A request for more gets this many and a `next` link.
 */
const MAX_SIZE = 1_000;

/** Values of the columns of the order. */
export type Key = readonly (string | number)[];

/** Where a page begins: beside the row of the link, which costs the same anywhere in a list. */
export interface Cursor {
  side: 'after' | 'before';
  key: Key;
  /** Counted for the first page only; links carry the number. */
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
  /** Where the next and previous pages begin; undefined if there is none. */
  next?: Cursor;
  previous?: Cursor;
}

/** In the form of the vendor's samples: counts as text, links or `""`. */
export class PageInfo {
  @ApiProperty({ description: 'Number of rows on this page' })
  count!: string;
  @ApiProperty({ description: 'Number of rows on all pages' })
  totalCount!: string;
  @ApiProperty({ description: 'Path of the next page, or empty' })
  next!: string;
  @ApiProperty({ description: 'Path of the previous page, or empty' })
  previous!: string;
}

/**
 * Reads `offset`, `size` and the `cursor` of our own links. Throws FPWSE1079E, FPWSE1080E, or FPWSE0005E for the
 * cursor.
 */
export function readPage(query: Query): PageRequest {
  const offset = readCount(query, 'offset', 0);
  if (offset === undefined) throw new ApiError('FPWSE1079E', "The 'offset' parameter must be a number of at least 0.");
  const size = readCount(query, 'size', DEFAULT_SIZE);
  if (!size) throw new ApiError('FPWSE1080E', "The 'size' parameter must be a number above 0.");
  const cursor = readText(query, 'cursor');
  return { offset, size: Math.min(size, MAX_SIZE), cursor: cursor === undefined ? undefined : decode(cursor) };
}

/** Items are short only if requested, because samples without `expand` in the documents are full. */
export function readExpand(query: Query, fallback = true): boolean {
  return readBoolean(query, 'expand', fallback);
}

/** `url`: path and query of the request, which the links repeat with another position. */
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

/** Parameters of a route that returns a list. `expand`: description of its effect. */
export function ApiPaging(expand = '`false`: short items'): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'offset',
      required: false,
      schema: { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 },
      description: 'Number of rows to skip, from 0; the cost grows with the number',
    }),
    ApiQuery({
      name: 'size',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 2 ** 31 - 1, default: DEFAULT_SIZE },
      description: `Rows per page; an answer has ${MAX_SIZE} at most`,
    }),
    ApiQuery({
      name: 'cursor',
      required: false,
      type: String,
      description:
        'Extension: where a page begins, from a `next` or `previous` link; the cost is the same anywhere in a list',
    }),
    ApiQuery({ name: 'expand', required: false, type: Boolean, description: expand }),
  );
}

/** `names`: the names that the route's `filter` accepts, as text. */
export function ApiFilter(names: string): MethodDecorator {
  return ApiQuery({
    name: 'filter',
    required: false,
    isArray: true,
    type: String,
    description: `\`name==value\` (equals) or \`name=@value\` (contains), where the name is ${names}. A comma means or, a repeated parameter means and; a backslash escapes a comma or a backslash`,
  });
}

/** Undefined if not a number. Limit 2^31, because PostgreSQL would skip rows for hours. */
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
  const broken = invalidValue('cursor', 'it must be the cursor of a next or previous link');
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
