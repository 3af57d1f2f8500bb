import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as errors from '../../../src/client/errors.js';
import { Carillon } from '../../../src/client/client.js';
import type { CarillonOptions } from '../../../src/client/client.js';
import { json, scriptedServer } from './scripted-server.js';
import type { ScriptedServer } from './scripted-server.js';

/** The client against answers that a proxy, a network or a server under load may give. */

const SECRET = 'hush-hush-hush\n';
const MESSAGE = { message: { alert: 'Hello' } };

let server: ScriptedServer;
const unhandled: unknown[] = [];
const noteUnhandled = (error: unknown): void => void unhandled.push(error);

beforeEach(async () => {
  server = await scriptedServer();
  // Waits between attempts are a thousandth.
  vi.spyOn(Math, 'random').mockReturnValue(0.001);
  process.on('unhandledRejection', noteUnhandled);
});
afterEach(async () => {
  await server.stop();
  await delay(0);
  process.off('unhandledRejection', noteUnhandled);
  if (unhandled.length > 0) throw new Error('A rejection was not handled', { cause: unhandled.pop() });
});

function connect(options: Partial<CarillonOptions> = {}): Carillon {
  return new Carillon({ url: server.url, clientId: 'shop', clientSecret: SECRET, application: 'app', ...options });
}

describe('a send', () => {
  it('has a key of its own, and keeps the key in every attempt', async () => {
    server.onCall = (response, _, count) => {
      if (count === 1) return void response.destroy();
      if (count === 2) return json(response, 401, { code: 'CARIL0401E', message: 'Revoked' });
      if (count === 3) return void response.writeHead(202, { 'content-type': 'application/json' }).end('{"messageI');
      if (count === 4) return json(response, 503, { code: 'FPWSE0025E', message: 'Busy' }, { 'retry-after': '0' });
      json(response, 202, { messageId: 'm1' });
    };
    const client = connect();
    expect(await client.messages.send(MESSAGE)).toEqual({ messageId: 'm1' });
    await client.messages.send(MESSAGE);
    await client.messages.send(MESSAGE, { idempotencyKey: 'order-7' });
    const keys = server.got.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys.slice(0, 5)).size).toBe(1);
    expect(new Set(keys).size).toBe(3);
    expect(keys.at(-1)).toBe('order-7');
    expect(server.got[0]!.headers).toMatchObject({ prefer: 'handling=strict', 'content-type': 'application/json' });
    expect(JSON.parse(server.got[4]!.body)).toEqual(MESSAGE);
  });

  it('is refused before a request if its key is no header', () => {
    expect(() => connect().messages.send(MESSAGE, { idempotencyKey: 'a\nb' })).toThrow(TypeError);
    expect(server.tokens).toBe(0);
  });

  it('waits as long as the server asks for, and not longer than a minute', async () => {
    server.onCall = (response, _, count) => json(response, 429, {}, { 'retry-after': count === 1 ? '1' : '61' });
    const started = performance.now();
    await expect(connect().messages.send(MESSAGE)).rejects.toMatchObject({ status: 429, retryAfter: 61 });
    expect(performance.now() - started).toBeGreaterThan(1_000);
    expect(server.got).toHaveLength(2);
  });

  it('without a key is tried again after 429 alone', async () => {
    const statuses = [429, 503];
    server.onCall = (response) => json(response, statuses.shift() ?? 200, { code: 'FPWSE0025E', message: 'Busy' });
    const duplicate = connect().request('post', '/imfpush/v1/apps/{applicationId}/campaigns/{campaignId}/duplicate', {
      path: { campaignId: 'c/1' },
      body: { name: 'Copy' },
    });
    await expect(duplicate).rejects.toBeInstanceOf(errors.ServerError);
    expect(server.got.map(({ path }) => path)).toEqual(Array(2).fill('/imfpush/v1/apps/app/campaigns/c%2F1/duplicate'));
  });
});

describe('the token', () => {
  it('is asked for once by many callers, and once after its revocation, however late their 401s come', async () => {
    let refused = '';
    server.onCall = async (response, { headers }, count) => {
      if (headers.authorization !== refused) return json(response, 200, {});
      await delay(count % 20);
      json(response, 401, { code: 'CARIL0401E', message: 'Revoked' });
    };
    const client = connect();
    const all = (): Promise<unknown> => Promise.all(Array.from({ length: 200 }, () => client.messages.get('m1')));
    await all();
    expect(server.tokens).toBe(1);
    refused = 'Bearer token-1';
    await all();
    expect(server.tokens).toBe(2);
  });

  it('that never holds costs a call one renewal', async () => {
    server.onCall = (response) => response.writeHead(401, { 'content-type': 'text/plain' }).end('no');
    const client = connect();
    await expect(client.messages.get('m1')).rejects.toBeInstanceOf(errors.AuthenticationError);
    expect([server.got.length, server.tokens]).toEqual([2, 2]);
  });

  it('of a short life is used, and renewed before its end', async () => {
    const LIFE_S = 2;
    let askedAt = 0;
    server.onToken = (response, _, count) => {
      askedAt = performance.now();
      return json(response, 200, { access_token: `t${count}`, expires_in: LIFE_S });
    };
    const ages: number[] = [];
    server.onCall = (response) => {
      ages.push(performance.now() - askedAt);
      return json(response, 200, {});
    };
    const client = connect();
    for (; server.tokens < 2; await delay(20)) await client.messages.get('m1');
    expect(ages.length).toBeGreaterThan(5);
    expect(server.got.at(-1)!.headers.authorization).toBe('Bearer t2');
    expect(server.got.slice(0, -1).every(({ headers }) => headers.authorization === 'Bearer t1')).toBe(true);
    // Half of a second remains for a machine that stops between the choice of the token and the call.
    expect(Math.max(...ages)).toBeLessThan(LIFE_S * 1_000 + 500);
  });

  it('is asked for again if its endpoint failed, and a refusal is not remembered', async () => {
    server.onToken = (response, _, count) =>
      count === 1
        ? json(response, 500, {})
        : count === 2
          ? json(response, 400, { error: 'invalid_client', error_description: 'Unknown' })
          : json(response, 200, { access_token: 'good', expires_in: 3_600 });
    const client = connect();
    await expect(client.messages.get('m1')).rejects.toMatchObject({
      name: 'AuthenticationError',
      code: 'invalid_client',
    });
    await client.messages.get('m1');
    expect(server.tokens).toBe(3);
  });
});

describe('an answer', () => {
  it.each([
    ['a page of a proxy', 502, 'text/html', '<html>Bad gateway', 'UnexpectedAnswerError', 6],
    ['a page in place of an answer', 200, 'text/html', '<html>Sign in', 'UnexpectedAnswerError', 1],
    ['nothing', 202, 'application/json', '', 'ConnectionError', 6],
    ['half an object', 200, 'application/json', '{"messageId":', 'ConnectionError', 6],
    ['no body', 204, 'application/json', '', 'ConnectionError', 6],
    ['text', 401, 'text/plain', 'go away', 'AuthenticationError', 2],
    ['a redirect', 302, 'text/html', '', 'UnexpectedAnswerError', 1],
  ])('%s is an error with status and request id', async (_, status, type, body, name, requests) => {
    server.onCall = (response) =>
      response.writeHead(status, { 'content-type': type, 'x-request-id': 'r-1', location: server.url }).end(body);
    const error = await connect()
      .messages.send(MESSAGE)
      .catch((error: unknown) => error);
    expect(error).toMatchObject({ name, status, requestId: 'r-1' });
    expect((error as Error).message).toContain(JSON.stringify(body).slice(1, -1));
    expect(server.got).toHaveLength(requests);
  });

  it('names the field that is wrong', async () => {
    const message = "Invalid value was provided. Check the 'message.alert' parameter value: it must be a string.";
    server.onCall = (response) => json(response, 400, { code: 'FPWSE0005E', message });
    await expect(connect().messages.send(MESSAGE)).rejects.toMatchObject({
      name: 'InvalidRequestError',
      code: 'FPWSE0005E',
      field: 'message.alert',
    });
  });

  it('that is not read leaves no connection behind', async () => {
    const seen = new Map<string, number>();
    server.onCall = (response, { path }, count) => {
      const tries = (seen.get(path) ?? 0) + 1;
      seen.set(path, tries);
      if (tries > 1) return json(response, 200, {});
      response.writeHead(503, { 'content-type': 'text/html', 'content-length': 200_000 });
      if (count % 3 !== 0) return void response.end('x'.repeat(200_000));
      response.write('x'.repeat(1_000), () => response.destroy());
    };
    const client = connect();
    await client.messages.get('first');
    for (let lot = 0; lot < 25; lot++)
      await Promise.all(Array.from({ length: 20 }, (_, n) => client.messages.get(`m${lot}-${n}`)));
    // One for each call at once, and those that are just being closed.
    expect(server.sockets.size).toBeLessThan(40);
  });
});

describe('errors', () => {
  it('hold no secret, however they are printed', async () => {
    const answers: ((response: Parameters<typeof json>[0], headers: string) => void)[] = [
      ...[400, 401, 403, 404, 409, 412, 429, 500, 503].map(
        (status) => (response: Parameters<typeof json>[0]) =>
          json(response, status, { code: 'X', message: 'No' }, { 'retry-after': '99' }),
      ),
      (response, headers) => response.writeHead(418, { 'content-type': 'text/html' }).end(headers),
      (response) => response.destroy(),
    ];
    const seen = new Set<string>();
    for (const answer of answers) {
      server.onToken = (response) => json(response, 200, { access_token: 'a.token.of-it', expires_in: 60 });
      server.onCall = (response, { headers }) => answer(response, `${headers.authorization} whsec_abcdef==`);
      const error = await connect({ retries: 0 })
        .messages.send(MESSAGE)
        .catch((error: unknown) => error);
      const { name, stack, cause } = error as Error;
      seen.add(name);
      const printed = [inspect(error, { depth: 9 }), JSON.stringify(error), stack, String(cause)].join('\n');
      expect(printed).not.toMatch(/hush|a\.token|abcdef|c2hvcDpodXNo/);
    }
    expect(seen.size).toBe(10);
    expect(inspect(connect(), { depth: 9, showHidden: true })).not.toContain('hush');
  });

  it('of an address with a password does not print it', () => {
    expect(() => connect({ url: 'http://user:hush@host' })).toThrow(/^url has a user or a password/);
  });

  it('of a token that is no header does not print it', async () => {
    server.onToken = (response) => json(response, 200, { access_token: 'hush\n', expires_in: 60 });
    await expect(connect().messages.get('m')).rejects.toThrow(/^The token endpoint answered without a token$/);
  });
});

describe('pages', () => {
  const pages: Record<string, unknown> = {
    '': { deliveries: [{ deviceId: 'a' }, { deviceId: 'b' }], next: '1' },
    '1': { deliveries: [], next: '2' },
    '2': { deliveries: [{ deviceId: 'c' }] },
    loop: { deliveries: [], next: 'loop' },
  };
  beforeEach(() => {
    server.onCall = (response, { path }) =>
      json(response, 200, pages[new URL(path, server.url).searchParams.get('after') ?? '']);
  });

  it('are walked to the end, over an empty one, once for two readers of one walk', async () => {
    const walk = connect().messages.deliveries('m', { outcome: 'failed' });
    const [first, second] = await Promise.all([walk.next(), walk.next()]);
    const rest: unknown[] = [];
    for await (const delivery of walk) rest.push(delivery.deviceId);
    expect([first.value?.deviceId, second.value?.deviceId, ...rest]).toEqual(['a', 'b', 'c']);
    expect(server.got.map(({ path }) => path.split('?')[1])).toEqual(
      ['', '&after=1', '&after=2'].map((after) => `outcome=failed${after}`),
    );
  });

  it('that name themselves end in an error', async () => {
    pages['2'] = { deliveries: [], next: '2' };
    const walk = async (): Promise<void> => {
      for await (const _ of connect().messages.deliveries('m'));
    };
    await expect(walk()).rejects.toThrow('The answer names itself as its next page');
  });

  it('that are left cost no further request', async () => {
    for await (const { deviceId } of connect().messages.deliveries('m')) if (deviceId === 'a') break;
    expect(server.got).toHaveLength(1);
  });
});

describe('a signal', () => {
  it('keeps no listener after two thousand calls and a wait', async () => {
    const warnings: unknown[] = [];
    process.on('warning', (warning) => warnings.push(warning));
    server.onCall = (response, _, count) => json(response, 200, { state: count > 2_003 ? 'finished' : 'sending' });
    const { signal } = new AbortController();
    const client = connect();
    for (let lot = 0; lot < 200; lot++)
      await Promise.all(Array.from({ length: 10 }, () => client.messages.get('m', { signal })));
    expect(await client.messages.waitFor('m', { signal })).toEqual({ state: 'finished' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(warnings).toEqual([]);
  });

  const reason = new Error('Enough');
  async function expectAborted(work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const control = new AbortController();
    let isLate = false;
    setTimeout(() => {
      control.abort(reason);
      // A timer of the same loop: a busy machine delays both.
      setTimeout(() => (isLate = true), 50);
    }, 100);
    await expect(work(control.signal)).rejects.toBe(reason);
    expect(isLate).toBe(false);
    expect(getEventListeners(control.signal, 'abort')).toEqual([]);
    const requests = server.got.length + server.tokens;
    await delay(100);
    expect(server.got.length + server.tokens).toBe(requests);
  }

  it('ends a call that waits for its next attempt', async () => {
    server.onCall = (response) => json(response, 503, {}, { 'retry-after': '30' });
    await expectAborted((signal) => connect().messages.send(MESSAGE, { signal }));
  });

  it('ends a call that waits for its answer', async () => {
    server.onCall = () => undefined;
    await expectAborted((signal) => connect().messages.get('m', { signal }));
  });

  it('ends an export between two lines', async () => {
    server.onCall = (response) =>
      void response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{}\n');
    await expectAborted(async (signal) => {
      for await (const _ of connect().devices.export({ signal }));
    });
  });

  it('ends one caller’s wait for the token, and the others get theirs', async () => {
    server.onToken = async (response) => {
      await delay(300);
      json(response, 200, { access_token: 'late', expires_in: 60 });
    };
    const client = connect();
    const other = client.messages.get('m');
    const control = new AbortController();
    setTimeout(() => control.abort(reason), 50);
    await expect(client.messages.get('m', { signal: control.signal })).rejects.toBe(reason);
    await other;
    expect([server.tokens, server.got.length]).toEqual([1, 1]);
  });

  it('that has ended before makes no request', async () => {
    await expect(connect().messages.send(MESSAGE, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.got).toEqual([]);
  });
});

it('an attempt ends after its timeout, and the next one has a time of its own', async () => {
  server.onCall = (response, _, count) => (count === 3 ? json(response, 200, { messageId: 'm1' }) : undefined);
  await connect({ timeout: 1_000 }).messages.send(MESSAGE);
  expect(server.got).toHaveLength(3);
  server.onCall = () => undefined;
  await expect(connect({ timeout: 50, retries: 1 }).messages.send(MESSAGE)).rejects.toBeInstanceOf(errors.TimeoutError);
});

it('a given fetch is called as a plain function', async () => {
  const calls: unknown[] = [];
  const given = function (this: unknown, ...args: Parameters<typeof fetch>): ReturnType<typeof fetch> {
    calls.push(this);
    return fetch(...args);
  };
  await connect({ fetch: given as typeof fetch }).messages.get('m');
  expect(calls).toEqual([undefined, undefined]);
});

describe('the feed of events', () => {
  const events = Array.from({ length: 300 }, (_, n) => ({
    id: `evt_${n}`,
    type: 'message.finished',
    data: { label: `é😀${n}` },
  }));
  const lineOf = (n: number): string => `${JSON.stringify({ event: events[n], cursor: String(n + 1) })}\n`;

  it('goes on from the last whole line, over a hundred resets in a line: every event once', async () => {
    let cuts = 0;
    server.onCall = async (response, { path }) => {
      const { searchParams } = new URL(path, server.url);
      if (searchParams.get('wait') === '0') return json(response, 200, { events: [], cursor: '0' });
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const first = Number(searchParams.get('after'));
      for (let n = first; n < events.length; n++) {
        const line = Buffer.from(lineOf(n));
        if (n === first + 2 && cuts++ < 100) {
          // In the middle of a letter, now and then.
          response.write(line.subarray(0, 10 + (n % line.length)));
          await delay(2);
          return response.destroy();
        }
        response.write(`{"cursor":"${n}"}\n`);
        response.write(line);
      }
      response.end();
    };
    const seen: unknown[] = [];
    for await (const { event } of connect().events({ types: 'message.*' }))
      if (seen.push(event) === events.length) break;
    expect(seen).toEqual(events);
    expect(cuts).toBeGreaterThan(99);
    expect(server.got[1]!.path).toBe('/imfpush/v1/apps/app/events?after=0&types=message.*');
  });

  it('without its cursor ends in an error with its code', async () => {
    server.onCall = (response) => json(response, 410, { code: 'CARIL0410E', message: 'No longer kept' });
    await expect(connect().events({ after: 'old' }).next()).rejects.toMatchObject({
      name: 'GoneError',
      code: 'CARIL0410E',
    });
  });
});

it('reads an export whose letters are cut, and refuses one without its end', async () => {
  const lines = ['{"deviceId":"é😀"}', '{"deviceId":"\u2028"}'];
  let end = '{"trailer":{"count":2}}';
  server.onCall = async (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (const byte of Buffer.from(`${lines.join('\r\n')}\n${end}`)) {
      response.write(Buffer.of(byte));
      await delay(0);
    }
    response.end();
  };
  const read: string[] = [];
  const walk = async (): Promise<void> => {
    for await (const line of connect().devices.export()) read.push(line);
  };
  await walk();
  expect(read).toEqual(lines);
  end = '';
  await expect(walk()).rejects.toThrow('The export broke off after 2 devices');
});

it('reports the rejected lines of an import', async () => {
  const answer = [
    { lines: 2, created: 1, updated: 0, moved: 0, rejected: 1, reasons: [] },
    { line: 2, code: 'FPWSE0005E', message: 'No' },
    { trailer: { count: 2 } },
  ];
  server.onCall = (response) =>
    response
      .writeHead(207, { 'content-type': 'application/x-ndjson' })
      .end(answer.map((line) => `${JSON.stringify(line)}\n`).join(''));
  expect(await connect().devices.import('{}\n{}\n')).toEqual({
    created: 1,
    updated: 0,
    moved: 0,
    rejected: [answer[1]],
  });
  expect(server.got[0]!.body).toBe('{}\n{}\n');
});
