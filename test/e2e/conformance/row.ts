import { expect } from 'vitest';

/** One call of the tables: its scope, its input and its whole answer. */
export type Row = readonly [
  /** Method and route below /imfpush/v1; `…` stands for `/apps/:applicationId`, as in the documents. */
  endpoint: string,
  /**
   * The scope elements of the token. `push.application.` with the application of the path is added if they have none.
   * Empty: no token.
   */
  scope: string,
  /** The subject of the row. */
  what: string,
  request: Request,
  status: number,
  /** The whole body of the answer; omitted if there is none. */
  body?: unknown,
];

export interface Request {
  /** Values of the route's parameters, instead of PARAMETERS and of earlier answers' ids. */
  path?: Readonly<Record<string, string>>;
  query?: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; text and forms are sent unchanged. */
  body?: unknown;
  /** Instead of a body: its announced length in bytes. */
  announced?: number;
  /** Repeats the call until the answer is as expected, for effects after a 202. */
  again?: true;
}

/** The application of the tables, which their first row creates. */
export const APPLICATION = 'com.example.table';
export const NOWHERE = 'com.example.nowhere';
export const PARAMETERS: Readonly<Record<string, string>> = {
  applicationId: APPLICATION,
  deviceId: 'phone',
  tagName: 'news',
  name: 'crm',
  messageId: 'Nobody00',
  subscriptionId: '1',
};
export const HERE = `/imfpush/v1/apps/${APPLICATION}`;

/** Part of refused values, which must not appear in an answer or in the log. */
export const UNSPEAKABLE = 'sesame';

export const TEXT = expect.any(String) as string;
/** ISO 8601, UTC, without milliseconds. */
export const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string;
export const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;

/** A body with at least these fields. */
export function having(fields: Readonly<Record<string, unknown>>): unknown {
  return expect.objectContaining(fields);
}

/** An error as in docs/protocol/mobilefirst.md §9.6, without other fields. */
export function refused(code: string, says: RegExp = /./): unknown {
  return { code, message: expect.stringMatching(says) as string };
}
/** The error of a wrong or missing value. */
export function wrong(says: RegExp): unknown {
  return refused('FPWSE0005E', says);
}

/** `pageInfo` of a list that fits on one page. */
export function onePage(count: number): unknown {
  return { count: String(count), totalCount: String(count), next: '', previous: '' };
}

/** Refused removals of the thing: of an earlier revision, and with a header that has no quotes. */
export function removals(endpoint: string, scope: string): Row[] {
  const of = (etag: string): Request => ({ headers: { 'if-match': etag } });
  return [
    [endpoint, scope, 'of an earlier revision', of('"earlier"'), 412, refused('CARIL0412E')],
    [endpoint, scope, 'of a revision without quotes', of('earlier'), 400, wrong(/'If-Match'/)],
  ];
}
