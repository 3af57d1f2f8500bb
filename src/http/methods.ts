import type { FastifyInstance } from 'fastify';
import { ApiError, OAuthError } from '../common/errors.js';

/** The methods of all routes. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * RFC 9110 §15.5.6 and §9.3.7: another method on an existing path is answered 405 with the allowed methods, and OPTIONS
 * with the same and 204. Call before routes are added; the returned function adds the refusals and is called after all
 * routes.
 */
export function watchMethods(fastify: FastifyInstance): () => void {
  const served = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ method, url }) => {
    const address = url.replace(/(?<=.)\/$/, '');
    const methods = served.get(address) ?? new Set();
    for (const each of [method].flat()) methods.add(each);
    served.set(address, methods);
  });
  return () => {
    const routes = [...served].filter(([url]) => !url.includes('*')).map(([url, own]) => ({ url, own: [...own] }));
    for (const { url } of routes) {
      // `messages/bulk` has only POST; a GET of this path reads a message with this id.
      const possible = new Set(routes.filter((route) => covers(route.url, url)).flatMap(({ own }) => own));
      possible.add('OPTIONS');
      refuse(
        fastify,
        url,
        METHODS.filter((method) => possible.has(method)),
      );
    }
  };
}

function refuse(fastify: FastifyInstance, url: string, possible: readonly string[]): void {
  const allow = possible.join(', ');
  const config = { refuses: true };
  fastify.route({
    method: 'OPTIONS',
    url,
    config,
    handler: (_request, reply) => reply.status(204).header('allow', allow).send(),
  });
  fastify.route({
    method: METHODS.filter((method) => !possible.includes(method)),
    url,
    config,
    exposeHeadRoute: false,
    handler: ({ method }) => {
      if (!url.includes('/api/az/')) throw otherMethod(method, possible);
      throw new OAuthError('invalid_request', notPossible(method, allow), 405, { allow });
    },
  });
}

/** RFC 9110 §15.5.6. */
export function otherMethod(method: string, possible: readonly string[] = METHODS): ApiError {
  const allow = possible.join(', ');
  return new ApiError('CARIL0405E', `${notPossible(method, allow)}.`, { allow });
}

function notPossible(method: string, allow: string): string {
  return `The method ${method} is not allowed here; ${allow} are`;
}

/** Whether every path of the form `url` also has the form `pattern`. Two colons stand for a literal colon. */
function covers(pattern: string, url: string): boolean {
  const segments = url.split('/');
  const parts = pattern.split('/');
  return (
    parts.length === segments.length &&
    parts.every((part, index) => part === segments[index] || (/^:(?!:)/.test(part) && segments[index] !== ''))
  );
}
