import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { basic } from '../harness/admin.js';
import { runProgram } from '../harness/program.js';
import { STAGES } from './stages.js';

/** Bytes that are not UTF-8, in every kind of body and in addresses: refused, and nothing is stored. */

const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';
const APP = '/imfpush/v1/apps/com.example.app';
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const FORM_IN_PARTS = 'multipart/form-data; boundary=b';
const part = (name: string, content: string): string =>
  `--b\r\nContent-Disposition: form-data; ${name}\r\n\r\n${content}\r\n`;

describe.each(STAGES)('on $name', (stage) => {
  const program = runProgram(stage);

  interface Sent {
    status: number;
    text: string;
  }
  function send(method: string, path: string, type?: string, body: Buffer | string = ''): Promise<Sent> {
    const authorization = path.startsWith('/imfpush') ? program.api.authorization : basic('test', 'test');
    const headers = { authorization, ...(type && { 'content-type': type }), 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const sent = request(`${program.carillon.url}/`, { method, path, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
  const read = async (path: string): Promise<string> => (await send('GET', path)).text;

  it.each<[string, string, string, string, Buffer]>([
    ['a message', 'POST', `${APP}/messages`, JSON_TYPE, latin1('{"message":{"alert":"caf\xe9"}}')],
    [
      'a message without a content type',
      'POST',
      `${APP}/messages`,
      'text/plain',
      latin1('{"message":{"alert":"caf\xe9"}}'),
    ],
    ['a bulk', 'POST', `${APP}/messages/bulk`, JSON_TYPE, latin1('[{"message":{"alert":"caf\xe9"}}]')],
    [
      'a registration',
      'POST',
      `${APP}/devices`,
      JSON_TYPE,
      latin1('{"deviceId":"d","platform":"G","token":"sandbox:t","userId":"ren\xe9"}'),
    ],
    ['a key', 'POST', `${APP}/tags`, JSON_TYPE, latin1('{"name":"t","caf\xe9":1}')],
    ['settings', 'PUT', `${APP}/settings/fcmConf`, JSON_TYPE, latin1('{"caf\xe9":1}')],
    ['a token request', 'POST', '/mfp/api/az/v1/token', FORM, latin1('grant_type=client_credentials&scope=\xe9')],
    [
      'a percent-encoded token request',
      'POST',
      '/mfp/api/az/v1/token',
      FORM,
      latin1('grant_type=client_credentials&scope=%E9'),
    ],
    [
      'a form’s field',
      'PUT',
      `${APP}/settings/apnsConf`,
      FORM_IN_PARTS,
      latin1(`${part('name="password"', 'h\xfcsh')}${part('name="certificate"; filename="a"', 'x')}--b--\r\n`),
    ],
  ])('refuses %s that is not UTF-8', async (_what, method, path, type, body) => {
    const answer = await send(method, path, type, body);
    expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(/not valid UTF-8/)]);
  });

  it('refuses both of two users with names in ISO 8859-1, which would become one', async () => {
    for (const name of ['ren\xe9', 'ren\xe8']) {
      const body = latin1(`{"deviceId":"${name}","platform":"G","token":"sandbox:${name}","userId":"${name}"}`);
      expect((await send('POST', `${APP}/devices`, JSON_TYPE, body)).status).toBe(400);
    }
    expect(await read(`${APP}/devices`)).not.toContain('ren');
  });

  it('refuses the line of an import, and registers the others', async () => {
    const line = (id: string): string => `{"deviceId":"${id}","platform":"G","token":"sandbox:${id}"}\n`;
    const body = latin1(`\xef\xbb\xbf${line('good')}${line('caf\xe9')}`);
    const answer = await send('POST', `${APP}/devices:import`, 'application/x-ndjson', body);
    expect(answer.status).toBe(207);
    expect(answer.text).toContain('"created":1');
    expect(answer.text).toContain('The line is not valid UTF-8.');
  });

  it.each([
    ['in a path', 'GET', `${APP}/devices/ren%E9`],
    ['in a query', 'GET', `${APP}/devices?userId=ren%E9`],
  ])('refuses bytes %s that are not UTF-8', async (_what, method, path) => {
    const answer = await send(method, path);
    expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(/"code":"FPWSE000[45]E"/)]);
  });

  it('accepts a percent sign in a query', async () => {
    expect((await send('GET', `${APP}/devices?userId=100%`)).status).toBe(200);
  });

  it.each([
    ['application/json; charset=utf-8', 202],
    ['application/json;charset="UTF-8"', 202],
    ['text/plain; charset=utf8', 202],
    ['application/json; charset=iso-8859-1', 415],
    ['application/json; charset=utf-16', 415],
    ['text/plain;x=y;Charset=windows-1252', 415],
  ])('answers a message of the type %s with %d', async (type, status) => {
    expect(await send('POST', `${APP}/messages`, type, '{"message":{"alert":"a"}}')).toMatchObject({ status });
  });

  it('refuses another charset at the token endpoint with RFC 6749’s error', async () => {
    const answer = await send('POST', '/mfp/api/az/v1/token', `${FORM}; charset=iso-8859-1`, 'a=b');
    expect(answer).toMatchObject({ status: 415, text: expect.stringContaining('"error":"invalid_request"') });
  });

  it('skips a byte order mark', async () => {
    const answer = await send('POST', `${APP}/messages`, JSON_TYPE, '\ufeff{"message":{"alert":"a"}}');
    expect(answer.status).toBe(202);
  });

  it.each<[string, string, string, string]>([
    [
      'variants of a campaign',
      'POST',
      `${APP}/campaigns`,
      '{"name":"c","content":{"message":{"alert":"a"}},"schedule":{"cron":"0 9 * * *"},"split":[null]}',
    ],
    [
      'confidential clients',
      'PUT',
      '/mfpadmin/management-apis/2.0/runtimes/mfp/confidentialclients',
      '{"clients":[null]}',
    ],
  ])('refuses null among the %s', async (_what, method, path, body) => {
    const answer = await send(method, path, JSON_TYPE, body);
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('each must be an object') });
  });
});
