import { createHash } from 'node:crypto';
import { ApiError, invalidValue } from './errors.js';

/** Revisions of resources (RFC 9110 §8.8.3, §13.1.1): the ETag is a hash of the members that a caller can change. */

/** Equal for equal values, whatever the order of their members. */
export function revisionOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url').slice(0, 16);
}

/** RFC 8785, for values that came from JSON. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

export function toEtag(revision: string): string {
  return `"${revision}"`;
}

/** The revisions of an `If-Match` header; undefined: any. Throws FPWSE0005E. */
export function readIfMatch(header: string | undefined): readonly string[] | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const tags = header.split(',').map((tag) => /^(?:W\/)?"([\x21\x23-\x7e]*)"$/.exec(tag.trim())?.[1]);
  if (!tags.every((tag) => tag !== undefined))
    throw invalidValue('If-Match', 'it must be the ETag of an earlier answer, with its quotes');
  return tags;
}

/** Of a request's headers. */
export interface Conditions {
  'if-match'?: string;
  'if-none-match'?: string;
}

/** Like `readIfMatch`, and an empty list for `If-None-Match: *`: the resource must not exist. */
export function readConditions(headers: Conditions): readonly string[] | undefined {
  return headers['if-none-match']?.trim() === '*' ? [] : readIfMatch(headers['if-match']);
}

/** Throws CARIL0412E if the resource is no longer of a revision that the caller named; null: there is none. */
export function checkRevision(wanted: readonly string[] | undefined, revision: string | null): void {
  if (wanted === undefined || (revision === null ? wanted.length === 0 : wanted.includes(revision))) return;
  throw new ApiError(
    'CARIL0412E',
    "The resource was changed meanwhile: read it again. Check the 'If-Match' header value.",
    revision === null ? {} : { etag: toEtag(revision) },
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
