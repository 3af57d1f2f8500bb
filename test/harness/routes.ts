import { fileURLToPath } from 'node:url';
import type { RunningCarillon } from './carillon.js';

/** Node's flags for `startCarillon`, which `routesOf` requires. */
export const LIST_ROUTES = ['--import', fileURLToPath(new URL('list-routes.mjs', import.meta.url))];

/**
 * The routes of the running program, as `GET /imfpush/v1/apps/:applicationId`, without the pages: the page to try the
 * routes, the console with its sessions, and the scripts for pages.
 */
export function routesOf(carillon: RunningCarillon): string[] {
  const line = /^ROUTES (.*)$/m.exec(carillon.output())?.[1];
  if (line === undefined) throw new Error('start it with LIST_ROUTES');
  // Fastify writes a literal colon twice.
  const routes = (JSON.parse(line) as string[]).map((route) => route.replaceAll('::', ':'));
  return routes.filter((route) => !/^\w+ \/(doc\b|console\b|sdk\b|$)/.test(route)).sort();
}

/**
 * `/apps/:applicationId` with the values of its parameters; a parameter without a value gets a name that does not
 * exist.
 */
export function fillRoute(route: string, values: Readonly<Record<string, string>>): string {
  return route.replaceAll(
    /\/:(\w+)/g,
    (_whole, name: string) => `/${encodeURIComponent(values[name] ?? `no-${name}`)}`,
  );
}
