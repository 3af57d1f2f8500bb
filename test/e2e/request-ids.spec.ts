import { describe, expect, it } from 'vitest';
import { basic } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { EMBEDDED } from './stages.js';

/** The id of a request, in its answer and in the audit. */

describe('a request', () => {
  const program = runProgram(EMBEDDED);

  const ask = (
    path: string,
    id?: string,
    init: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> =>
    fetch(`${program.carillon.url}${path}`, {
      ...init,
      headers: {
        authorization: basic('test', 'test'),
        ...(id !== undefined && { 'x-request-id': id }),
        ...init.headers,
      },
    });

  it.each([
    ['done', '/health/live', 200],
    ['of an unknown path', '/nowhere', 404],
    ['without a right', '/imfpush/v1/apps/com.example.app/devices', 401],
    ['with an invalid address', '/imfpush/v1/apps/%zz', 400],
    ['of a page', '/console/', 200],
    ['of the document', '/imfpush/v1/swagger.json', 200],
  ])('%s is answered with its id', async (_, path, status) => {
    const kept = await ask(path, 'job-7.2026/11');
    expect([kept.status, kept.headers.get('x-request-id')]).toEqual([status, 'job-7.2026/11']);
    const ids = await Promise.all([ask(path), ask(path, '{"a":1}'), ask(path, 'x'.repeat(8_192))]);
    const texts = ids.map(({ headers }) => headers.get('x-request-id'));
    for (const text of texts) expect(text).toMatch(/^[A-Za-z0-9]{12}-[0-9a-z]+$/);
    expect(new Set(texts).size).toBe(3);
  });

  it('of an administrator is in the audit, with its browser or program', async () => {
    const path = '/mfpadmin/management-apis/2.0/runtimes/mfp';
    const body = JSON.stringify({ id: 'asked', allowedScope: 'tags.read' });
    const headers = { 'content-type': 'application/json', 'user-agent': `Thing/1 ${'x'.repeat(300)}` };
    expect((await ask(`${path}/confidentialclients`, 'ticket-4711', { method: 'POST', headers, body })).status).toBe(
      201,
    );
    const answer = (await (await ask(`${path}/auditevents?subject=asked`)).json()) as { events: unknown[] };
    expect(answer.events).toEqual([
      expect.objectContaining({
        action: 'client.create',
        requestId: 'ticket-4711',
        userAgent: `Thing/1 ${'x'.repeat(248)}`,
      }),
    ]);
  });
});
