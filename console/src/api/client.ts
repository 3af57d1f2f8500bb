import createClient from 'openapi-fetch';
import { noteServerTime } from './clock';
import { Failure, failureOf, noAnswer } from './failure';
import type { paths } from './schema';

/** A form on another site cannot set it, so the API takes the session's cookie with it only. */
const CONSOLE = { 'Carillon-Console': '1' };
/** Marks what the page asks for by itself: such a request does not keep the session alive. */
export const REFRESH = { 'Carillon-Refresh': '1' };

/** Listeners for the end of the session: any request may be the first that meets it. */
const signedOut = new Set<() => void>();

export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener);
  return () => signedOut.delete(listener);
}

async function timedFetch(input: Request | string, init?: RequestInit): Promise<Response> {
  const startedAt = Date.now();
  const response = await fetch(input, init).catch((error: unknown) => {
    // Left by the screen: no failure.
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw noAnswer(error);
  });
  noteServerTime(response.headers.get('date'), startedAt, Date.now());
  return response;
}

/** The public API, typed by its document. */
export const api = createClient<paths>({ baseUrl: location.origin, headers: CONSOLE, fetch: timedFetch });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a success; throws a Failure for everything else. */
export async function bodyOf<T>(answer: Promise<Answer<T>>): Promise<T> {
  return (await versionOf(answer)).body;
}

/** A body and its revision, by which the second of two editors is told. */
export interface Version<T> {
  body: T;
  etag: string | null;
}

/** Like `bodyOf`, with the revision. */
export async function versionOf<T>(answer: Promise<Answer<T>>): Promise<Version<T>> {
  const { data, error, response } = await answer.catch((thrown: unknown) => {
    if (thrown instanceof Failure || (thrown instanceof DOMException && thrown.name === 'AbortError')) throw thrown;
    // The body is no JSON: a proxy answered, not Carillon.
    throw noAnswer(thrown);
  });
  if (response.ok) return { body: data as T, etag: response.headers.get('etag') };
  const failure = failureOf(response, error);
  if (failure.isSignedOut) for (const listener of signedOut) listener();
  throw failure;
}

/** A request of the session (`/console/api/…`), which the API's document does not have. */
export async function consoleApi<T>(method: string, path: string, body?: object, headers?: object): Promise<T> {
  const response = await timedFetch(`/console/api${path}`, {
    method,
    headers: { ...CONSOLE, ...(body && { 'Content-Type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = text === '' ? undefined : parse(text);
  if (!response.ok) throw failureOf(response, json);
  return json as T;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
