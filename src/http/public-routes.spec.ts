import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PUBLIC_ROUTES } from './public-routes.js';

const APP = '/imfpush/v1/apps/{applicationId}';

/** The routes of administration: those of the installation, and those that change how an application sends. */
const ADMINISTRATION = [
  /^\w+ \/mfpadmin\//,
  /^GET \/(version|metrics)$/,
  /^GET \/imfpush\/v1\/(system|messages|stats|campaigns:firings|swagger\.json)$/,
  /^(GET|POST) \/imfpush\/v1\/apps$/,
  /^(GET|DELETE) APP$/,
  /^\w+ APP\/(stop|status|providers|webhooks)\b/,
  /^\w+ APP\/settings(\/\w+(Conf|Cert)(\/test)?)?$/,
  /^\w+ APP\/devices:(import|export)$/,
  /^POST APP\/(messages|campaigns)\/\{\w+\}\/approve$/,
];

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};
const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
);

it('every route of the API document is public or of administration, and not both', () => {
  const listed = Object.entries(PUBLIC_ROUTES).flatMap(([path, methods]) => methods.map((each) => `${each} ${path}`));
  const administrative = (route: string) => ADMINISTRATION.some((pattern) => pattern.test(route.replace(APP, 'APP')));
  expect(listed.filter((route) => !routes.includes(route))).toEqual([]);
  expect(routes.filter((route) => listed.includes(route) === administrative(route))).toEqual([]);
});
