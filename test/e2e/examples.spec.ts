import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { basic } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { EMBEDDED } from './stages.js';

/**
 * The examples of the API document work when pasted: each operation is called in turn with the examples of its
 * parameters and of its body. Ids that the server chooses are those of an earlier answer.
 */

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; example?: unknown }[];
  requestBody?: { required?: boolean; content: Record<string, { example?: unknown }> };
  security?: Record<string, string[]>[];
}
const { paths } = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
};

/** Calls with a body that the example cannot complete, and why. */
const INCOMPLETE: Record<string, string> = {
  'PUT /imfpush/v1/apps/{applicationId}/settings/fcmConf': 'needs the private key of a service account',
  'POST /imfpush/v1/apps/{applicationId}/campaigns/{campaignId}/approve': 'needs a second client and its revision',
  'POST /imfpush/v1/apps/{applicationId}/campaigns:shared': 'needs two campaigns',
  'POST /imfpush/v1/apps/{applicationId}/messages/{messageId}/receipts': 'needs a message that was sent to the device',
  'PUT /imfpush/v1/apps/{applicationId}/messages/{messageId}': 'needs a message that was sent to the device',
  'PUT /imfpush/v1/apps/{applicationId}/settings/apnsConf': 'needs a key or a certificate of Apple',
};
/** Calls that would ask a provider on the network. */
const OUTSIDE = /\/settings\/\w+\/test$/;
/** By the parameter that it answers. */
const CHOSEN = new Set(['messageId', 'campaignId', 'subscriptionId']);
/** Calls that make objects come first. */
const ORDER = ['post', 'put', 'patch', 'get', 'delete'];

const program = runProgram(EMBEDDED);
const chosen: Record<string, string> = {};

function orderOf(method: string, path: string): number {
  const verb = ORDER.indexOf(method);
  // A call about one object comes after those that make objects; the list of clients before a client.
  const depth = path.split('{').length;
  return (method === 'put' && path.endsWith('/confidentialclients') ? -100 : verb * 100) + depth;
}

const calls = Object.entries(paths)
  .flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ method, path, operation })))
  .filter(({ operation }) => operation.requestBody)
  .sort((one, other) => orderOf(one.method, one.path) - orderOf(other.method, other.path));

describe('the example of', () => {
  const bodies = calls.flatMap(({ method, path, operation }) =>
    Object.entries(operation.requestBody?.content ?? {}).map(([type, { example }]) => ({
      call: `${method.toUpperCase()} ${path}`,
      method,
      path,
      type,
      example,
      operation,
    })),
  );
  it.each(bodies.filter(({ call }) => !(call in INCOMPLETE || OUTSIDE.test(call))))('$call ($type)', async (given) => {
    const { call, method, path, type, example, operation } = given;
    const url = program.carillon.url + filled(path, operation);
    const admin = operation.security?.some((each) => 'basic' in each);
    // A message that has not ended yet is not sent again: 409.
    await expect
      .poll(
        async () => {
          const answer = await fetch(url, {
            method: method.toUpperCase(),
            headers: { 'content-type': type, authorization: admin ? basic('test', 'test') : program.api.authorization },
            body: bodyOf(type, example),
          });
          const text = await answer.text();
          if (answer.ok) remember(text);
          return answer.ok || `${answer.status} ${text}`;
        },
        { timeout: call.endsWith('/resend') ? 10_000 : 1 },
      )
      .toBe(true);
  });
});

function filled(path: string, { parameters = [] }: Operation): string {
  const place = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const example = parameters.find((each) => each.name === name)?.example;
    return encodeURIComponent(chosen[name] ?? String(example));
  });
  const query = parameters.filter((each) => each.in === 'query' && each.required);
  const text = new URLSearchParams(
    query.map(({ name, example }): [string, string] => [name, String(example)]),
  ).toString();
  return text === '' ? place : `${place}?${text}`;
}

function bodyOf(type: string, example: unknown): string {
  if (typeof example === 'string') return example;
  if (type === 'application/x-www-form-urlencoded')
    return new URLSearchParams(example as Record<string, string>).toString();
  return JSON.stringify(example);
}

function remember(text: string): void {
  if (!text.startsWith('{') || text.includes('\n')) return;
  for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, unknown>))
    if (CHOSEN.has(name)) chosen[name] ??= String(value);
}
