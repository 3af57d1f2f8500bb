import { beforeAll, describe, expect, it } from 'vitest';
import { WITH_BEAT, longestStall } from '../harness/beat.js';
import { runProgram } from '../harness/program.js';
import { SERVERS } from './stages.js';

/**
 * How long one request holds the event loop, compared with the largest useful body in the same run: a body of the same
 * size that was made to be expensive may take at most three times as long. On two idle cores that is 50 ms.
 */

const MOST = 3;
/** Each body is sent this often, and its shortest stall counts, because garbage collection may add to one. */
const TIMES = 3;

const many = (count: number, each: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => each(n)).join();
const keys = (count: number, of = ''): string => `{${many(count, (n) => `"k${n}${of}":1`)}}`;
const message = (rest: string): string => `{"message":{"alert":"a"},${rest}}`;
const tower = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

/** Ten thousand users with two values each, and their ids. */
const LARGEST = message(
  `"target":{"userIds":[${many(10_000, (n) => `"user-${n}"`)}]},"data":{${many(10_000, (n) => `"user-${n}":{"name":"n${n}","sum":${n}}`)}},"dryRun":true`,
);

const JSON_TYPE = 'application/json';
const LINES = 'application/x-ndjson';
const FORM = 'application/x-www-form-urlencoded';
const APP = '/imfpush/v1/apps/com.example.app';
const device = (rest: string): string => `{"deviceId":"d","platform":"G","token":"t",${rest}}`;

interface Hostile {
  what: string;
  method?: string;
  path: string;
  type?: string;
  body?: string | Buffer;
  headers?: Record<string, string>;
}

const MESSAGES = `${APP}/messages`;
const BULK = `${APP}/messages/bulk`;
const IMPORT = `${APP}/devices:import`;
const CAMPAIGN = (content: string): string =>
  `{"name":"c","schedule":{"cron":"0 9 * * *"},"content":{"message":{"alert":"a"},${content}},"languages":{${many(50, (n) => `"${'abcdefghijklmnopqrstuvwxyz'.charAt(n % 26)}${n < 26 ? 'a' : 'b'}":{}`)}},"split":[{"name":"x","share":50},{"name":"y","share":50}]}`;

const TABLE: readonly Hostile[] = [
  { what: '90,000 keys in a message', path: MESSAGES, body: message(`"x":${keys(90_000)}`) },
  { what: '90,000 keys at the top', path: MESSAGES, body: keys(90_000) },
  { what: '90,000 keys in a payload', path: MESSAGES, body: message(`"settings":{"gcm":{"payload":${keys(90_000)}}}`) },
  { what: '9,999 keys in a payload', path: MESSAGES, body: message(`"settings":{"gcm":{"payload":${keys(9_999)}}}`) },
  { what: '9,999 unknown keys', path: MESSAGES, body: message(keys(9_999).slice(1, -1)) },
  {
    what: 'five objects of 9,999 keys',
    path: MESSAGES,
    body: message(`"x":[${many(5, (n) => keys(9_999, `x${n}`))}]`),
  },
  { what: 'one key 170,000 times', path: MESSAGES, body: `{${'"a":1,'.repeat(170_000)}"a":1}` },
  { what: '60,000 keys that are numbers', path: MESSAGES, body: `{${many(60_000, (n) => `"${n * 40_009}":1`)}}` },
  { what: 'a tower of 100,000 levels', path: MESSAGES, body: tower(100_000) },
  { what: 'a list of 500,000 numbers', path: MESSAGES, body: `[${'1,'.repeat(500_000)}1]` },
  { what: 'a million empty objects in a bulk', path: BULK, body: `[${'{},'.repeat(1_000_000)}{}]` },
  { what: '1,000 empty messages in a bulk', path: BULK, body: `[${many(1_000, () => '{}')}]` },
  {
    what: 'a bulk of 900 messages with 400 unknown keys each',
    path: BULK,
    body: `[${many(900, () => message(keys(400).slice(1, -1)))}]`,
  },
  {
    what: 'a bulk of 900 messages with 60 unknown keys each',
    path: BULK,
    body: `[${many(900, () => message(keys(60).slice(1, -1)))}]`,
  },
  {
    what: 'a bulk of 1,000 messages of 4 KB',
    path: BULK,
    body: `[${many(1_000, (n) => `{"message":{"alert":"a${n}"},"settings":{"gcm":{"payload":{"text":"${'x'.repeat(3_600)}"}}}}`)}]`,
  },
  {
    what: 'a megabyte of escapes',
    path: MESSAGES,
    body: message(String.raw`"x":"${String.raw`\u00e9\"`.repeat(125_000)}"`),
  },
  { what: 'a number of a million digits', path: MESSAGES, body: message(`"x":${'1'.repeat(1_000_000)}`) },
  {
    what: '9,999 numbers of 20 digits',
    path: MESSAGES,
    body: message(`"x":[${many(9_999, (n) => `${n}2345678901234567890`)}]`),
  },
  { what: 'an alert of a megabyte', path: MESSAGES, body: `{"message":{"alert":"${'{{a}}'.repeat(200_000)}"}}` },
  { what: 'an alert of half placeholders', path: MESSAGES, body: `{"message":{"alert":"${'{{'.repeat(500_000)}"}}` },
  {
    what: '10,000 broken values of users',
    path: MESSAGES,
    body: message(`"target":{"userIds":["u"]},"data":{${many(9_999, (n) => `"u${n}":7`)}}`),
  },
  {
    what: 'two lines of 868 KB in an import',
    path: IMPORT,
    type: LINES,
    body: `${device(keys(84_000).slice(1, -1))}\n`.repeat(2),
  },
  {
    what: 'lines of 9,000 attributes',
    path: IMPORT,
    type: LINES,
    body: `${device(`"attributes":${keys(9_000)}`)}\n`.repeat(20),
  },
  { what: '300,000 lines of {}', path: IMPORT, type: LINES, body: '{}\n'.repeat(300_000) },
  { what: '20,000 lines of nonsense', path: IMPORT, type: LINES, body: 'x\n'.repeat(20_000) },
  {
    what: 'a line with 20,000 tags',
    path: IMPORT,
    type: LINES,
    body: `${device(`"tagNames":[${many(19_999, (n) => `"t${n}"`)}]`)}\n`,
  },
  { what: 'a device with 9,999 attributes', path: `${APP}/devices`, body: device(`"attributes":${keys(9_999)}`) },
  {
    what: '20,000 tag names in a subscription',
    path: `${APP}/subscriptions`,
    body: `{"deviceId":"d","tagNames":[${many(19_999, (n) => `"t${n}"`)}]}`,
  },
  {
    what: '19,999 nulls in place of clients',
    method: 'PUT',
    path: '/mfpadmin/management-apis/2.0/runtimes/mfp/confidentialclients',
    body: `{"clients":[${many(19_999, () => 'null')}]}`,
  },
  {
    what: '19,999 empty clients',
    method: 'PUT',
    path: '/mfpadmin/management-apis/2.0/runtimes/mfp/confidentialclients',
    body: `{"clients":[${many(19_999, () => '{}')}]}`,
  },
  {
    what: 'a campaign in 100 messages of 9,000 keys',
    path: `${APP}/campaigns`,
    body: CAMPAIGN(`"settings":{"gcm":{"payload":${keys(9_000)}}}`),
  },
  {
    what: 'a campaign in 100 messages of 9,000 unknown keys',
    path: `${APP}/campaigns`,
    body: CAMPAIGN(keys(9_000).slice(1, -1)),
  },
  { what: 'settings with 9,999 keys', method: 'PUT', path: `${APP}/settings/fcmConf`, body: keys(9_999) },
  {
    what: 'a form of 100,000 parameters',
    path: '/mfp/api/az/v1/token',
    type: FORM,
    body: many(100_000, (n) => `p${n}=1`).replaceAll(',', '&'),
  },
  {
    what: 'a form of 2,000 parameters',
    path: '/mfp/api/az/v1/token',
    type: FORM,
    body: many(2_000, (n) => `p${n}=1`).replaceAll(',', '&'),
  },
  {
    what: 'a scope of 5,000 elements',
    path: '/mfp/api/az/v1/token',
    type: FORM,
    body: `grant_type=client_credentials&scope=${'a.*+'.repeat(3_900)}`,
  },
  {
    what: 'a scope of 128 stars',
    path: '/mfp/api/az/v1/token',
    type: FORM,
    body: `grant_type=client_credentials&scope=${'*a*b*c*d*e*f*+'.repeat(128)}`,
  },
  {
    what: 'a query of 2,500 parameters',
    method: 'GET',
    path: `${MESSAGES}?${many(2_500, (n) => `p${n}`).replaceAll(',', '&')}`,
  },
  { what: 'a filter of 7,000 commas', method: 'GET', path: `${APP}/devices?filter=${','.repeat(7_000)}` },
  {
    what: '1,500 headers',
    method: 'GET',
    path: MESSAGES,
    headers: Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`h${n}`, 'a'])),
  },
  {
    what: 'an Accept header of 3,000 ranges',
    method: 'GET',
    path: MESSAGES,
    headers: { accept: 'a/b,'.repeat(3_000) },
  },
  {
    what: 'a form in parts',
    method: 'PUT',
    path: `${APP}/settings/apnsConf`,
    type: 'multipart/form-data; boundary=b',
    body: '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'.repeat(2_000),
  },
  {
    what: 'a form of dashes',
    method: 'PUT',
    path: `${APP}/settings/apnsConf`,
    type: 'multipart/form-data; boundary=b',
    body: `--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\n${'\r\n--'.repeat(32_000)}`,
  },
];

describe.skipIf(!SERVERS)('no request holds the event loop', () => {
  const program = runProgram(SERVERS!, { environment: () => ({ ROLES: 'api' }), flags: WITH_BEAT });

  async function send({ method = 'POST', path, type = JSON_TYPE, body, headers }: Hostile): Promise<number> {
    const authorization = path.startsWith('/imfpush') ? program.api.authorization : `Basic ${btoa('test:test')}`;
    const answer = await fetch(program.carillon.url + path, {
      method,
      headers: { authorization, ...(body === undefined ? {} : { 'content-type': type }), ...headers },
      body,
    });
    await answer.arrayBuffer();
    return answer.status;
  }
  async function stallOf(request: Hostile): Promise<{ stall: number; status: number }> {
    const stalls: number[] = [];
    let status = 0;
    for (let turn = 0; turn < TIMES; turn++)
      stalls.push(await longestStall(program.carillon, async () => (status = await send(request))));
    return { stall: Math.min(...stalls), status };
  }

  let measure: number;
  beforeAll(async () => {
    const { stall, status } = await stallOf({ what: 'the largest', path: MESSAGES, body: LARGEST });
    if (status !== 200) throw new Error(`the largest body was answered ${status}`);
    measure = stall;
  });

  it.each(TABLE)('$what', async (hostile) => {
    const { stall, status } = await stallOf(hostile);
    expect(status).toBeLessThan(500);
    expect(stall).toBeLessThan(MOST * measure);
  });
});
