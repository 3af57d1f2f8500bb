import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Admin, basic } from '../harness/admin.js';
import { requestToken } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED } from './stages.js';

/** Every malformed request to the az endpoints with its exact answer: status, error, description, challenge. */

const FORM = 'application/x-www-form-urlencoded';
const GRANT = 'grant_type=client_credentials';
const TEST = basic('test', 'test');

interface Exchange {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

/** Sends requests that fetch would not send. */
function post(url: string, headers: Record<string, string | string[]>, body: string | Buffer): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    sent.on('error', reject).end(body);
  });
}

/**
 * Guesses until one is refused unchecked. On a slow machine attempts return while others are hashed, so the answers to
 * the guesses are not awaited.
 */
function untilRefused<T extends { status: number }>(
  guess: (index: number) => Promise<T>,
  right: () => Promise<T>,
): Promise<T> {
  let count = 0;
  return vi.waitFor(
    async () => {
      for (let more = 0; more < 15; more++) guess(count++).catch(() => undefined);
      const answer = await right();
      expect(answer.status).toBe(429);
      return answer;
    },
    { timeout: 60_000, interval: 10 },
  );
}

let carillon: RunningCarillon;
let clean: () => void;

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment);
});
afterAll(async () => {
  await carillon.stop();
  clean();
});

const NO_CLIENT = 'Basic authentication with id and secret is required';
const WRONG = 'The client id or secret is wrong';
const NO_FORM = 'The content type must be application/x-www-form-urlencoded';
const NOT_UTF8 = 'The body has percent-encoded bytes that are not valid UTF-8';
const TWICE = 'A parameter is given more than once';
const NO_SCOPE = 'The scope is malformed or too long';
const LONG_BODY = 'The body is longer than 16384 characters';
const LARGE_BODY = 'The body is larger than this server accepts.';

type Case = [what: string, headers: Record<string, string>, body: string, status: number, error: string, says: string];
const bad = (what: string, authorization: string | null, says: string): Case => [
  what,
  authorization === null ? { 'content-type': FORM } : { 'content-type': FORM, authorization },
  GRANT,
  400,
  'invalid_client',
  says,
];
const badBody = (what: string, body: string, error: string, says: string, status = 400): Case => [
  what,
  { 'content-type': FORM, authorization: TEST },
  body,
  status,
  error,
  says,
];
const badType = (contentType: string | null, body = GRANT, says = NO_FORM): Case => [
  `content type ${contentType}`,
  { authorization: TEST, ...(contentType === null ? {} : { 'content-type': contentType }) },
  body,
  400,
  'invalid_request',
  says,
];

const TOKEN_CASES: Case[] = [
  // Authorization
  bad('no Authorization', null, NO_CLIENT),
  bad('an empty header', '', NO_CLIENT),
  bad('a scheme without credentials', 'Basic', NO_CLIENT),
  bad('another scheme', 'Digest username="test"', NO_CLIENT),
  bad('a token', 'Bearer dGVzdDp0ZXN0', NO_CLIENT),
  bad('credentials without base64', 'Basic test:test', NO_CLIENT),
  bad('base64 with an invalid character', 'Basic dGVz!Dp0ZXN0', NO_CLIENT),
  bad('two credentials', `${TEST}, ${TEST}`, NO_CLIENT),
  bad('no colon', `Basic ${Buffer.from('test').toString('base64')}`, NO_CLIENT),
  bad('no id', basic('', 'test'), NO_CLIENT),
  bad('no secret', basic('test', ''), NO_CLIENT),
  bad('an id of 256 characters', basic('i'.repeat(256), 'test'), NO_CLIENT),
  bad('a secret of 256 characters', basic('test', 's'.repeat(256)), NO_CLIENT),
  bad('credentials of 12 KB', basic('test', 's'.repeat(9_000)), NO_CLIENT),
  bad('an id with a NUL', basic('te\0st', 'test'), NO_CLIENT),
  bad('an id beyond ASCII', basic('tëst', 'test'), NO_CLIENT),
  bad('bytes that are not UTF-8', `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}`, NO_CLIENT),
  bad('a tab instead of the space', `Basic\t${TEST.slice(6)}`, NO_CLIENT),
  bad('base64 cut to one character', 'Basic d', NO_CLIENT),
  bad('padding in the middle', 'Basic dGVz=dDp0ZXN0', NO_CLIENT),
  bad('a secret with a line break', basic('test', 'te\r\nst'), NO_CLIENT),
  bad('a secret with wrong form encoding', basic('test', '%zz'), WRONG),
  bad('a wrong secret', basic('test', 'wrong'), WRONG),
  bad('an unknown client', basic('nobody', 'test'), WRONG),
  bad('an id in another case', basic('Test', 'test'), WRONG),
  bad('a space before the id', basic('%20test', 'test'), WRONG),
  // Body
  badBody('no body', '', 'invalid_request', 'grant_type is missing'),
  badBody('no grant type', 'scope=a', 'invalid_request', 'grant_type is missing'),
  badBody('an empty grant type', 'grant_type=', 'invalid_request', 'grant_type is missing'),
  badBody('a grant type in capitals', 'GRANT_TYPE=client_credentials', 'invalid_request', 'grant_type is missing'),
  ...['password', 'authorization_code', 'refresh_token', 'CLIENT_CREDENTIALS', 'client_credentials%20', '%00'].map(
    (grant): Case =>
      badBody(
        `grant type ${grant}`,
        `grant_type=${grant}`,
        'unsupported_grant_type',
        'grant_type must be client_credentials',
      ),
  ),
  badBody('a grant type twice', `${GRANT}&${GRANT}`, 'invalid_request', TWICE),
  badBody('a scope twice', `${GRANT}&scope=a&scope=a`, 'invalid_request', TWICE),
  badBody('an unknown parameter twice', `${GRANT}&x=1&x=2`, 'invalid_request', TWICE),
  badBody('a parameter that is encoded the second time', `${GRANT}&scope=a&s%63ope=b`, 'invalid_request', TWICE),
  badBody(
    'JSON with the content type of a form',
    '{"grant_type":"client_credentials"}',
    'invalid_request',
    'grant_type is missing',
  ),
  badBody(
    'a secret in the body as well',
    `${GRANT}&client_id=test&client_secret=test`,
    'invalid_request',
    'client_secret is not accepted; authenticate with a Basic header',
  ),
  badBody(
    'an assertion',
    `${GRANT}&client_assertion=x`,
    'invalid_request',
    'The request has both a client_assertion and an Authorization header',
  ),
  badBody('a body over 16 KB', `${GRANT}&x=${'x'.repeat(16_384)}`, 'invalid_request', LONG_BODY, 413),
  badBody('a thousand parameters', '&a'.repeat(9_000), 'invalid_request', LONG_BODY, 413),
  badBody('a body over 1 MiB', `${GRANT}&x=${'x'.repeat(1_100_000)}`, 'invalid_request', LARGE_BODY, 413),
  // Scope
  badBody('a scope with a quotation mark', `${GRANT}&scope=%22`, 'invalid_scope', NO_SCOPE),
  badBody('a scope with a backslash', `${GRANT}&scope=a%5Cb`, 'invalid_scope', NO_SCOPE),
  badBody('a scope with a tab', `${GRANT}&scope=a%09b`, 'invalid_scope', NO_SCOPE),
  badBody('a scope with a line break', `${GRANT}&scope=a%0D%0Ab`, 'invalid_scope', NO_SCOPE),
  badBody('a scope beyond ASCII', `${GRANT}&scope=%C3%A9`, 'invalid_scope', NO_SCOPE),
  badBody('a scope with a NUL', `${GRANT}&scope=a%00`, 'invalid_scope', NO_SCOPE),
  badBody('a scope of bytes that are not UTF-8', `${GRANT}&scope=%FF`, 'invalid_request', NOT_UTF8),
  badBody('a scope of 2,049 characters', `${GRANT}&scope=${'a'.repeat(2_049)}`, 'invalid_scope', NO_SCOPE),
  badBody('a scope of 129 elements', `${GRANT}&scope=${'a+'.repeat(129)}`, 'invalid_scope', NO_SCOPE),
  // Content type
  badType(null),
  badType('text/plain'),
  badType('multipart/form-data; boundary=x'),
  badType('application/x-www-form-urlencodedx'),
  badType('application/x-www-form-urlencoded, text/plain'),
  badType('application/x-ndjson'),
  badType('x'),
  badType('application/json', '{"grant_type":"client_credentials"}'),
  badType('application/json', '{"grant_type":', 'The body is not valid JSON.'),
];

describe('the token endpoint refuses', () => {
  it.each(TOKEN_CASES)('%s', async (_what, headers, body, status, error, says) => {
    const answer = await post(`${carillon.url}/mfp/api/az/v1/token`, headers, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({ error, error_description: says });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      pragma: 'no-cache',
    });
    expect(answer.headers).not.toHaveProperty('www-authenticate');
  });

  it('refuses the whole scope if a part is not allowed: nothing is left out silently', async () => {
    const answer = await requestToken(carillon.url, {
      id: 'push',
      secret: 'hsup',
      scope: 'authorization.introspect x',
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({
      error: 'invalid_scope',
      error_description: "The scope is outside the client's allowed scope",
    });
  });

  it('refuses headers over 16 KB unread', async () => {
    const authorization = basic('test', 's'.repeat(20_000));
    const answer = await post(`${carillon.url}/mfp/api/az/v1/token`, { authorization, 'content-type': FORM }, GRANT);
    expect(answer.status).toBe(431);
  });

  it('accepts common spellings of callers', async () => {
    for (const [scope, granted] of [
      ['', 'RegisteredClient'],
      ['scope=', 'RegisteredClient'],
      ['scope=%20%20', 'RegisteredClient'],
      ['scope=b+a%20b', 'b a b'],
      ['scope=%2A%2A', '**'],
      // Broken escapes are read as text, as by the WHATWG's form parser.
      ['scope=%zz', '%zz'],
      ['&&&=&scope=a', 'a'],
      ['scope=*', '*'],
    ]) {
      const headers = { authorization: TEST, 'content-type': `${FORM}; charset=UTF-8` };
      const answer = await post(`${carillon.url}/mfp/api/az/v1/token`, headers, `${GRANT}&${scope}`);
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toEqual({
        access_token: expect.stringMatching(/^eyJ/) as string,
        token_type: 'Bearer',
        expires_in: 3600,
        scope: granted,
      });
    }
  });
});

it('accepts the scheme in any case, more spaces, and base64 without padding or in its URL form', async () => {
  const secret = await new Admin(carillon.url).addClient('>>>?', '*');
  const odd = Buffer.from(`>>>?:${secret}`);
  for (const authorization of [
    TEST.replace('Basic', 'BASIC  '),
    `basic ${odd.toString('base64').replace(/=+$/, '')}`,
    `Basic ${odd.toString('base64url')}`,
  ]) {
    const headers = { authorization, 'content-type': FORM };
    expect(await post(`${carillon.url}/mfp/api/az/v1/token`, headers, GRANT)).toMatchObject({ status: 200 });
  }
});

describe('introspection and revocation refuse', () => {
  const bearerFor = async (id: string, secret: string, scope: string) => {
    const answer = await requestToken(carillon.url, { id, secret, scope });
    return `Bearer ${((await answer.json()) as { access_token: string }).access_token}`;
  };
  const PUSH = () => bearerFor('push', 'hsup', 'authorization.introspect');
  const NO_BEARER = 'The Authorization header is not a Bearer token.';
  const DEAD = 'The access token is invalid or has expired.';
  const INVALID = 'Bearer error="invalid_token"';
  const MISSING = 'token is missing';
  type Asked = [
    what: string,
    authorization: string | undefined | (() => Promise<string>),
    contentType: string,
    body: string,
  ];
  type Refused = [status: number, error: string, says: string, challenge?: string];
  const badBearer = (
    what: string,
    bearer: string | undefined,
    ...[says, challenge]: [string, string]
  ): [...Asked, ...Refused] => [what, bearer, FORM, 'token=x', 401, 'invalid_token', says, challenge];
  const badToken = (
    what: string,
    contentType: string,
    body: string,
    says: string,
    status = 400,
  ): [...Asked, ...Refused] => [what, PUSH, contentType, body, status, 'invalid_request', says];

  it.each<[...Asked, ...Refused]>([
    badBearer('nobody', undefined, 'An access token is required.', 'Bearer'),
    badBearer('an empty header', '', NO_BEARER, INVALID),
    badBearer('a scheme without a token', 'Bearer', NO_BEARER, INVALID),
    badBearer('a token without its scheme', 'eyJhbGciOiJFUzI1NiJ9.e30.x', NO_BEARER, INVALID),
    badBearer('two tokens', 'Bearer x, Bearer y', NO_BEARER, INVALID),
    badBearer('a token with a space in it', 'Bearer x y', NO_BEARER, INVALID),
    badBearer('a token beyond ASCII', 'Bearer \xe9', NO_BEARER, INVALID),
    badBearer('an invalid token', 'Bearer x', DEAD, INVALID),
    badBearer('an unsigned token', `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`, DEAD, INVALID),
    badBearer('a token of 12 KB', `Bearer ${'x'.repeat(12_000)}`, DEAD, INVALID),
    [
      'another scope',
      () => bearerFor('test', 'test', 'messages.write'),
      FORM,
      'token=x',
      403,
      'insufficient_scope',
      "The token's scope does not cover this call; it needs: authorization.introspect.",
      'Bearer error="insufficient_scope", scope="RegisteredClient authorization.introspect"',
    ],
    [
      'Basic of a client that may not introspect',
      basic('admin', 'nimda'),
      FORM,
      'token=x',
      403,
      'insufficient_scope',
      "The client's allowed scope does not cover this call; it needs authorization.introspect.",
    ],
    badToken('no body', FORM, '', MISSING),
    badToken('an empty token', FORM, 'token=', MISSING),
    badToken('two tokens', FORM, 'token=x&token=y', TWICE),
    badToken('JSON', 'application/json', '{"token":"x"}', NO_FORM),
    badToken('text', 'text/plain', 'token=x', NO_FORM),
    badToken('a body over 16 KB', FORM, `token=${'x'.repeat(16_384)}`, LONG_BODY, 413),
    badToken('a body over 1 MiB', FORM, `token=${'x'.repeat(1_100_000)}`, LARGE_BODY, 413),
  ])('at introspection %s', async (_what, bearer, contentType, body, status, error, says, challenge) => {
    const authorization = typeof bearer === 'function' ? await bearer() : bearer;
    const headers = { 'content-type': contentType, ...(authorization !== undefined && { authorization }) };
    const answer = await post(`${carillon.url}/mfp/api/az/v1/introspection`, headers, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({ error, error_description: says });
    expect(answer.headers['www-authenticate']).toBe(challenge);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
  });

  it('introspection calls every malformed token inactive, without a reason', async () => {
    const authorization = await PUSH();
    for (const token of ['x', '%00', '..', 'a.b.c', 'x'.repeat(16_000)]) {
      const answer = await post(
        `${carillon.url}/mfp/api/az/v1/introspection`,
        { authorization, 'content-type': FORM },
        `token=${token}`,
      );
      expect(answer).toMatchObject({ status: 200, body: '{"active":false}' });
    }
  });

  it.each<[string, Record<string, string>, string, number, string, string]>([
    ['no client', {}, 'token=x', 400, 'invalid_client', NO_CLIENT],
    ['a token as credentials', { authorization: 'Bearer x' }, 'token=x', 400, 'invalid_client', NO_CLIENT],
    ['a wrong secret', { authorization: basic('push', 'wrong') }, 'token=x', 400, 'invalid_client', WRONG],
    ['no token', { authorization: TEST }, 'token_type_hint=access_token', 400, 'invalid_request', MISSING],
    ['two tokens', { authorization: TEST }, 'token=x&token=y', 400, 'invalid_request', TWICE],
    [
      'JSON',
      { authorization: TEST, 'content-type': 'application/json' },
      '{"token":"x"}',
      400,
      'invalid_request',
      NO_FORM,
    ],
    ['a body over 16 KB', { authorization: TEST }, `token=${'x'.repeat(16_384)}`, 413, 'invalid_request', LONG_BODY],
    [
      'a secret in the body',
      { authorization: TEST },
      'token=x&client_secret=test',
      400,
      'invalid_request',
      'client_secret is not accepted; authenticate with a Basic header',
    ],
  ])('at revocation %s', async (_what, headers, body, status, error, says) => {
    const url = `${carillon.url}/mfp/api/az/v1/revocation`;
    const answer = await post(url, { 'content-type': FORM, ...headers }, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({ error, error_description: says });
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
  });

  it('revocation leaves the token of another client valid, and accepts an invalid one', async () => {
    const url = `${carillon.url}/mfp/api/az/v1/revocation`;
    const other = (await bearerFor('push', 'hsup', 'authorization.introspect')).slice(7);
    const headers = { 'content-type': FORM, authorization: TEST };
    const refused = await post(url, headers, `token=${other}`);
    expect(refused).toMatchObject({ status: 400 });
    expect(JSON.parse(refused.body)).toEqual({
      error: 'invalid_request',
      error_description: 'The token was issued to another client',
    });
    const alive = await post(
      `${carillon.url}/mfp/api/az/v1/introspection`,
      { ...headers, authorization: `Bearer ${other}` },
      `token=${other}`,
    );
    expect(JSON.parse(alive.body)).toMatchObject({ active: true, client_id: 'push' });
    expect(await post(url, headers, 'token=nonsense')).toMatchObject({ status: 200, body: '' });
  });

  it.each(['token', 'introspection', 'revocation'])('another runtime’s %s endpoint', async (name) => {
    const answer = await post(
      `${carillon.url}/other/api/az/v1/${name}`,
      { authorization: TEST, 'content-type': FORM },
      GRANT,
    );
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toEqual({
      error: 'invalid_request',
      error_description: 'Not found: this path does not exist.',
    });
  });
});

it('refuses guesses with 429, and accepts the right secret that is in use at the address', async () => {
  let asked = 0;
  // TRUST_PROXY is not set: another X-Forwarded-For each time makes no other caller.
  const ask = (secret: string) =>
    fetch(`${carillon.url}/mfp/api/az/v1/token`, {
      method: 'POST',
      headers: { authorization: basic('admin', secret), 'x-forwarded-for': `198.51.100.${asked++ % 250}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'push.x' }),
    });
  expect((await ask('nimda')).status).toBe(200);
  const refused = await untilRefused(
    (guess) => ask(`guess ${guess}`),
    () => ask('one more guess'),
  );
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.json()).toEqual({
    error: 'temporarily_unavailable',
    error_description: 'Too many failed attempts; wait before the next',
  });
  const administration = new Admin(carillon.url, basic('admin', 'one more guess'));
  const admin = await untilRefused(
    (guess) => ask(`another ${guess}`) as Promise<{ status: number }>,
    () => administration.call('GET', '/confidentialclients'),
  );
  expect(admin).toMatchObject({ status: 429, body: { code: 'CARIL0429E' } });
  expect((await requestToken(carillon.url, { id: 'test', secret: 'test', scope: '*' })).status).toBe(200);
  expect((await ask('nimda')).status).toBe(200);
});

it('in production with other settings: generated administrator, runtime’s name, 401, a proxy’s address header', async () => {
  const prepared = await EMBEDDED.prepare();
  const bank = await startCarillon({
    ...prepared.environment,
    NODE_ENV: 'production',
    MASTER_KEY: randomBytes(32).toString('base64'),
    RUNTIME_NAME: 'bank',
    INVALID_CLIENT_STATUS: '401',
    TRUST_PROXY: '127.0.0.1',
  });
  try {
    const [, id = '', secret = ''] = /Administrator made, shown this once: id (\S+) secret ([^\s"]+)/.exec(
      bank.output(),
    )!;
    const url = `${bank.url}/bank/api/az/v1/token`;
    const ask = (authorization: string, address: string) =>
      post(url, { 'content-type': FORM, authorization, 'x-forwarded-for': address }, GRANT);
    expect(await ask(basic(id, secret), '192.0.2.1')).toMatchObject({ status: 200 });
    const wrong = await ask(basic(id, 'wrong'), '198.51.100.9');
    expect(wrong.status).toBe(401);
    expect(wrong.headers['www-authenticate']).toBe('Basic realm="carillon"');
    expect(JSON.parse(wrong.body)).toMatchObject({ error: 'invalid_client' });
    await untilRefused(
      (guess) => ask(basic(id, `guess ${guess}`), '198.51.100.9'),
      () => ask(basic(id, secret), '198.51.100.9'),
    );
    // A port behind the address, another spelling of it, and text that is not an address are not new callers.
    for (const address of ['198.51.100.9:4711', '198.51.100.9:4712', '::FFFF:198.51.100.9', '[::ffff:c633:6409]:1'])
      expect(await ask(basic(id, `guess at ${address}`), address)).toMatchObject({ status: 429 });
    // The valid client calls from another address behind the same proxy.
    expect(await ask(basic(id, secret), '192.0.2.1')).toMatchObject({ status: 200 });
    expect((await post(`${bank.url}/mfp/api/az/v1/token`, { 'content-type': FORM }, GRANT)).status).toBe(404);
    const list = await fetch(`${bank.url}/mfpadmin/management-apis/2.0/runtimes/bank/confidentialclients`, {
      headers: { authorization: basic(id, secret) },
    });
    expect(await list.json()).toMatchObject({ clients: [{ id: 'administrator', allowedScope: '*' }] });
    await untilRefused(
      (guess) => ask(basic(id, `hidden ${guess}`), `hidden${guess}`),
      () => ask(basic(id, 'one more guess'), 'unknown'),
    );
  } finally {
    await bank.stop();
    prepared.clean();
  }
});
