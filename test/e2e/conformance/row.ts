import { expect } from 'vitest';

/** One call of the tables: who may make it, what is sent, and all that is answered. */
export type Row = readonly [
  /** Method and route below /imfpush/v1; `…` stands for `/apps/:applicationId`, as in the documents. */
  endpoint: string,
  /**
   * The scope elements of the token, nothing wider; `push.application.` and the application of the path is added where
   * they have none. Empty: no token.
   */
  scope: string,
  /** What is special about it. */
  what: string,
  request: Request,
  status: number,
  /** The whole body of the answer; left out when there is none. */
  body?: unknown,
];

export interface Request {
  /** Values of the route's parameters, in place of PARAMETERS and of what earlier answers named. */
  path?: Readonly<Record<string, string>>;
  query?: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; text goes as it is, a form as one. */
  body?: unknown;
  /** In place of a body: its length in bytes. */
  announced?: number;
  /** Asked again until the answer is as wanted: what happens after a 202. */
  again?: true;
}

/** The tables' own application: their first row makes it. */
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

/** In values that are refused and must not be repeated to the caller, nor to the log. */
export const UNSPEAKABLE = 'sesame';

export const TEXT = expect.any(String) as string;
/** ISO 8601, UTC, without milliseconds. */
export const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string;
export const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;

/** A body with these fields, and others. */
export function having(fields: Readonly<Record<string, unknown>>): unknown {
  return expect.objectContaining(fields);
}

/** An error as docs/protocol/mobilefirst.md §9.6 has it, and nothing beside it. */
export function refused(code: string, says: RegExp = /./): unknown {
  return { code, message: expect.stringMatching(says) as string };
}
/** Of a wrong or missing value. */
export function wrong(says: RegExp): unknown {
  return refused('FPWSE0005E', says);
}

/** Of a list that fits on one page. */
export function onePage(count: number): unknown {
  return { count: String(count), totalCount: String(count), next: '', previous: '' };
}
