import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { basic } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { LIST_ROUTES, fillRoute, routesOf } from '../harness/routes.js';
import { EMBEDDED } from './stages.js';

/**
 * A route without a body refuses one with any method, because a caller that sends a body means something by it. The
 * OpenAPI document lists the routes with a body.
 */

const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, { requestBody?: object; security?: Record<string, unknown>[] }>>;
};
const program = runProgram(EMBEDDED, { flags: LIST_ROUTES });
const BODY = '{"target":{"userIds":["ann"]}}';
/** MobileFirst accepts a body there, and here the route only refuses. */
const NOT_OFFERED = 'PUT /imfpush/v1/apps/:applicationId/settings/smsConf';

function operationOf(route: string) {
  const [method = '', path = ''] = route.split(' ');
  return document.paths[path.replaceAll(/\/:(\w+)/g, '/{$1}')]?.[method.toLowerCase()];
}

/** fetch sends no body with GET. */
async function call(route: string, body: string): Promise<{ status: number; text: string }> {
  const [method = '', path = ''] = route.split(' ');
  const url = program.carillon.url + fillRoute(path, { runtimeName: 'mfp', applicationId: 'com.example.app' });
  const authorization =
    path.startsWith('/mfpadmin') || path.includes('/api/az/') ? basic('test', 'test') : program.api.authorization;
  const headers = {
    ...(operationOf(route)?.security && { authorization }),
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers, agent: false }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }), reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

it('each route without a body in the document refuses one, and no other does', async () => {
  const routes = routesOf(program.carillon).filter((route) => !route.includes('swagger.json') && route !== NOT_OFFERED);
  const answers: Record<string, boolean> = {};
  for (const route of routes) {
    const answer = await call(route, BODY);
    answers[route] = answer.status === 400 && answer.text.includes('accepts no body');
  }
  const expected = routes.map((route) => [route, operationOf(route)?.requestBody === undefined]);
  expect(answers).toEqual(Object.fromEntries(expected));
  // None of it had an effect: the application still exists.
  expect((await call('GET /imfpush/v1/apps/:applicationId', '')).status).toBe(200);
});

it('a caller without a token gets 401 before the body is checked', async () => {
  const { carillon } = program;
  const url = `${carillon.url}/imfpush/v1/apps/com.example.app/campaigns/x/run`;
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(url, { method: 'POST', headers, body: BODY })).status).toBe(401);
});

it('an empty body counts as no body', async () => {
  const { api } = program;
  const made = await api.app<{ campaignId: string }>('POST', '/campaigns', {
    name: 'x',
    content: { message: { alert: 'x' } },
    schedule: { cron: '0 9 * * 1' },
  });
  const url = `${program.carillon.url}/imfpush/v1/apps/com.example.app/campaigns/${made.body.campaignId}/activate`;
  const headers = { authorization: program.api.authorization, 'content-type': 'application/json' };
  expect((await fetch(url, { method: 'POST', headers, body: '' })).status).toBe(200);
});
