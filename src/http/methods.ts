import type { FastifyInstance } from 'fastify';
import { ApiError, OAuthError } from '../common/errors.js';

/** The methods that any route has. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * RFC 9110 §15.5.6 and §9.3.7: at an address that is served, another method is 405 with what is possible, and OPTIONS
 * answers the same with 204. Call before routes are added; the answer adds the refusals when all of them are.
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
      // Where `messages/bulk` is served by POST alone, GET asks for a message of this id.
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
  return `The method ${method} is not possible here; ${allow} are`;
}

/** Whether an address of the form `url` is one of the form `pattern`. Two colons are one that is no parameter. */
function covers(pattern: string, url: string): boolean {
  const segments = url.split('/');
  const parts = pattern.split('/');
  return (
    parts.length === segments.length &&
    parts.every((part, index) => part === segments[index] || (/^:(?!:)/.test(part) && segments[index] !== ''))
  );
}
