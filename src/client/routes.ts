import type { components, paths } from './schema.js';

/** Types of a call by its method and path, from the document of the API. */

export type Schemas = components['schemas'];
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, object> ? P : never;
}[keyof paths];
type Operation<M extends Method, P extends PathOf<M>> = paths[P] extends Record<M, infer O> ? O : never;

type Parameters<O, In extends string> = O extends { parameters: { [K in In]?: infer Given } }
  ? NonNullable<Given>
  : never;
/** Given by the client's options where the call does not. */
type Known = 'applicationId' | 'runtimeName';
type PathParameters<O> = [Parameters<O, 'path'>] extends [never]
  ? undefined
  : Omit<Parameters<O, 'path'>, Known> & { [K in Known & keyof Parameters<O, 'path'>]?: string };

type Contents<C> = C extends { 'application/json': infer Json } ? Json : never;
type Body<O> = O extends { requestBody?: infer B } ? (B extends { content: infer C } ? Contents<C> : never) : never;
type Success<R> = { [S in keyof R]: S extends 200 | 201 | 202 ? R[S] : never }[keyof R];
type Answered<A> = A extends { content: infer C } ? Contents<C> : never;

/** The JSON of the answers of success. */
export type Answer<M extends Method, P extends PathOf<M>> =
  Operation<M, P> extends { responses: infer R } ? Answered<Success<R>> : never;

export interface Call<M extends Method, P extends PathOf<M>> {
  path?: PathParameters<Operation<M, P>>;
  query?: Parameters<Operation<M, P>, 'query'>;
  body?: Body<Operation<M, P>>;
  headers?: Record<string, string>;
}

/** With its question mark; undefined values are left out, a list repeats its name. */
export function toQuery(query: object = {}): string {
  const pairs = Object.entries(query as Record<string, unknown>).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one) => one !== undefined)
      .map((one): [string, string] => [name, String(one)]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}
