import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED } from './stages.js';

/** Devices, tags and subscriptions under hostile input: a clear answer below 500 each time, and nothing of it stored. */

let carillon: RunningCarillon;
let api: Api;
let clean: () => void;

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment);
  api = await Api.connect(carillon.url);
});

afterAll(async () => {
  await carillon.stop();
  clean();
});

const device = { deviceId: 'x', platform: 'A', token: 't' };
const tower = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const subscription = { deviceId: 'kiosk', tagName: 'news' };
const FIELD = 'FPWSE0005E';
const BODY = 'FPWSE0004E';

/** What is wrong, the change to a good device, the field named. */
const fields: readonly [what: string, change: Record<string, unknown>, field: RegExp][] = [
  ['a device id that is a number', { deviceId: 7 }, /'deviceId'.*string/],
  ['no device id', { deviceId: undefined }, /'deviceId'/],
  ['an empty device id', { deviceId: '' }, /'deviceId'.*1 to 255/],
  ['a device id of 256 characters', { deviceId: 'x'.repeat(256) }, /'deviceId'.*1 to 255/],
  ['a token that is a list', { token: ['t'] }, /'token'/],
  ['a token of 4,097 characters', { token: 'x'.repeat(4_097) }, /'token'.*4096/],
  ['a platform in another case', { platform: 'a' }, /'platform'.*one of A, G/],
  ['a platform that is a number', { platform: 1 }, /'platform'/],
  ['a web token that is no subscription', { platform: 'WEB_CHROME', token: 'x' }, /'token'.*push subscription/],
  ['a user id that is a number', { userId: 7 }, /'userId'.*string/],
  ['a user id of 255 characters', { userId: 'u'.repeat(255) }, /'userId'.*254/],
  ['a phone number that is a number', { phoneNumber: 41 }, /'phoneNumber'/],
  ['a language with an underscore', { language: 'de_CH' }, /'language'.*BCP 47/],
  ['a language that is an object', { language: { toString: 'de' } }, /'language'.*BCP 47/],
  ['a language without end', { language: `de-${'a-'.repeat(5_000)}b` }, /'language'.*BCP 47/],
  ['a time zone that is an offset', { timeZone: '+02:00' }, /'timeZone'.*IANA/],
  ['a time zone that there is not', { timeZone: 'Europe/Atlantis' }, /'timeZone'.*IANA/],
  ['a time zone that is a list', { timeZone: ['Europe/Zurich'] }, /'timeZone'.*IANA/],
  ['a version that is a number', { appVersion: 7 }, /'appVersion'/],
  ['attributes that are a list', { attributes: [] }, /'attributes'.*object/],
  ['attributes that are text', { attributes: 'plan=gold' }, /'attributes'.*object/],
  ['attributes in attributes', { attributes: { a: { b: 1 } } }, /'attributes'.*text, a number or a boolean/],
  ['an attribute that is null', { attributes: { a: null } }, /'attributes'.*text, a number/],
  ['65 attributes', { attributes: Object.fromEntries([...Array(65).keys()].map((n) => [`a${n}`, n])) }, /64/],
  ['an attribute’s name of 65 characters', { attributes: { ['n'.repeat(65)]: 1 } }, /1 to 64/],
  ['an attribute without a name', { attributes: { '': 1 } }, /1 to 64/],
  ['an attribute of 1,025 characters', { attributes: { a: 'x'.repeat(1_025) } }, /1024/],
  [
    '5 KB of attributes',
    { attributes: { a: 'x'.repeat(1_024), b: 'é'.repeat(1_024), c: 'é'.repeat(1_024) } },
    /4096 bytes/,
  ],
];

describe('POST and PUT devices refuse', () => {
  it.each(fields)('%s', async (_what, change, says) => {
    const posted = await api.app('POST', '/devices', { ...device, ...change });
    expect(posted).toMatchObject({
      status: 400,
      body: { code: FIELD, message: expect.stringMatching(says) as string },
    });
    const { deviceId: _id, ...rest } = change;
    if (Object.keys(rest).length === 0) return;
    // With a field that is good beside it: neither is taken.
    const put = await api.app('PUT', '/devices/kiosk', { phoneNumber: '1', platform: 'A', ...rest });
    expect(put).toMatchObject({ status: 400, body: { code: FIELD } });
  });

  it.each([
    ['no body', undefined, 400, BODY],
    ['broken JSON', '{"deviceId":', 400, BODY],
    ['a list of devices', [device], 400, BODY],
    ['a number', '7', 400, BODY],
    ['a NUL', { ...device, userId: 'a\0' }, 400, BODY],
    ['a NUL in an attribute’s name', { ...device, attributes: { 'a\0': 1 } }, 400, BODY],
    ['half a surrogate pair', '{"deviceId":"\\ud800","platform":"A","token":"t"}', 400, BODY],
    ['__proto__', `{"deviceId":"x","platform":"A","token":"t","__proto__":{"userId":"root"}}`, 400, BODY],
    ['constructor', `{"deviceId":"x","platform":"A","token":"t","attributes":{"constructor":1}}`, 400, BODY],
    ['a tower', `{"deviceId":"x","platform":"A","token":"t","attributes":${tower(5_000)}}`, 400, BODY],
    ['a number beyond all', `{"deviceId":"x","platform":"A","token":"t","attributes":{"a":1e999}}`, 400, FIELD],
    ['two megabytes', { ...device, userAgent: 'x'.repeat(2_000_000) }, 413, 'CARIL0413E'],
  ] as const)('%s', async (_what, body, status, code) => {
    expect(await api.app('POST', '/devices', body)).toMatchObject({ status, body: { code } });
    expect(await api.app('PUT', '/devices/kiosk', body)).toMatchObject({ status, body: { code } });
  });

  it('a device id in the body that is not the path’s', async () => {
    expect(await api.app('PUT', '/devices/kiosk', { deviceId: 'ben-phone', userId: 'eve' })).toMatchObject({
      status: 400,
      body: { code: FIELD, message: expect.stringMatching(/'deviceId'/) as string },
    });
  });

  it('and have stored none of it', async () => {
    expect((await api.app('GET', '/devices')).body).toMatchObject({ pageInfo: { totalCount: '5' } });
    expect((await api.app('GET', '/devices/kiosk')).body).toMatchObject({
      phoneNumber: '',
      platform: 'W',
      userId: 'anonymous',
    });
  });
});

describe('odd ids', () => {
  it.each([
    ['slashes', 'a/b//c'],
    ['dots', '...a..b.'],
    ['a path', '../../apps/com.example.app'],
    ['percent signs', '100%25%2F%'],
    ['emoji', '📱'.repeat(255)],
    ['a query', '?a=b&c#d'],
    ['a colon', 'urn:import'],
    ['quotes', `'; drop table device; --"`],
    ['spaces and lines', ' a\r\nb\t'],
    ['brackets and backslashes', '{a}[b]\\:*'],
    ['a name that objects have', 'constructor'],
  ])('of %s are ids like others', async (_what, id) => {
    const path = `/devices/${encodeURIComponent(id)}`;
    expect((await api.app('GET', path)).status).toBe(404);
    const body = { ...device, deviceId: id, token: `token ${id}`.slice(0, 200), userId: id.slice(0, 254) };
    expect(await api.app('POST', '/devices', body)).toMatchObject({ status: 201, body: { deviceId: id } });
    const { body: read } = await api.app<{ href: string }>('GET', path);
    expect(read).toMatchObject({ deviceId: id, userId: id.slice(0, 254) });
    expect((await api.call('GET', read.href.replace('/imfpush/v1', ''))).status).toBe(200);
    const found = await api.app('GET', `/devices?userId=${encodeURIComponent(id.slice(0, 254))}`);
    expect(found.body).toMatchObject({ devices: [{ deviceId: id }] });
    const subscribed = await api.app('POST', '/subscriptions', { deviceId: id, tagName: 'news' });
    expect(subscribed).toMatchObject({ status: 201, body: { deviceId: id, tagName: 'news' } });
    const query = `deviceId=${encodeURIComponent(id)}&tagName=news`;
    expect((await api.app('DELETE', `/subscriptions?${query}`)).status).toBe(204);
    expect((await api.app('DELETE', path)).status).toBe(204);
  });

  it.each([
    ['a NUL', '/devices/a%00b', 400],
    ['half a code', '/devices/a%zz', 400],
    ['broken UTF-8', '/devices/a%ff', 400],
    ['an id over every length', `/devices/${'x'.repeat(5_000)}`, 400],
    ['an id over the URL’s length', `/devices/${'x'.repeat(20_000)}`, 431],
  ])('%s', async (_what, path, status) => {
    const response = await api.raw('GET', path, undefined, {});
    expect(response.status).toBe(status);
  });
});

describe('lists refuse', () => {
  it.each([
    ['/devices?offset=-1', 'FPWSE1079E'],
    ['/devices?offset=1e9', 'FPWSE1079E'],
    ['/tags?offset=99999999999999999999', 'FPWSE1079E'],
    ['/subscriptions?offset=0&offset=1', 'FPWSE1079E'],
    ['/devices?size=0', 'FPWSE1080E'],
    ['/tags?size=-1', 'FPWSE1080E'],
    ['/subscriptions?size=NaN', 'FPWSE1080E'],
    ['/devices?expand=maybe', FIELD],
    ['/devices?userId=a&userId=b', FIELD],
    ['/devices?filter=platform', FIELD],
    ['/devices?filter=platform=@A', FIELD],
    ['/devices?filter=token==a', FIELD],
    ['/tags?filter=__proto__==a', FIELD],
    ['/tags?filter=name==a,', FIELD],
    [`/tags?filter=${'name==a,'.repeat(200)}name==a`, FIELD],
    ['/devices?cursor=x', FIELD],
    [`/devices?cursor=${Buffer.from('["after",1,0,"1 or true"]').toString('base64url')}`, FIELD],
    [`/devices?cursor=${Buffer.from('["after",1,5,1]').toString('base64url')}`, FIELD],
    [`/devices?cursor=${Buffer.from('["after",1,-1,1]').toString('base64url')}`, FIELD],
    [`/devices?cursor=${Buffer.from('["after",1,0.5,1]').toString('base64url')}`, FIELD],
    [`/tags?cursor=${Buffer.from('["after",1,0,7]').toString('base64url')}`, FIELD],
    [`/subscriptions?cursor=${Buffer.from('["before",1,0,"a"]').toString('base64url')}`, FIELD],
    [`/devices?cursor=${Buffer.from('['.repeat(50_000)).toString('base64url').slice(0, 8_000)}`, FIELD],
    ['/tags?subscriptionCount=1', FIELD],
  ])('%s', async (path, code) => {
    expect(await api.app('GET', path)).toMatchObject({ status: 400, body: { code } });
  });

  it.each([
    '/devices?offset=1000000',
    '/devices?size=1000000',
    '/devices?colour=red',
    '/devices?filter=',
    "/devices?userId='%20or%201=1--",
    '/tags?filter=name=@%25',
    '/tags?filter=name==%ED%A0%80',
    '/subscriptions?tagName=nothing&filter=deviceId==x',
    `/subscriptions?deviceId=${'x'.repeat(3_000)}`,
  ])('but not %s', async (path) => {
    expect((await api.app('GET', path)).status).toBe(200);
  });
});

describe('tags and subscriptions refuse', () => {
  it.each([
    ['a tag without a name', 'POST', '/tags', { description: 'a' }, 400, FIELD],
    ['a tag’s name that is a number', 'POST', '/tags', { name: 7 }, 400, FIELD],
    ['a tag’s name of 255 characters', 'POST', '/tags', { name: 'x'.repeat(255) }, 400, FIELD],
    ['Push.all', 'POST', '/tags', { name: 'push.all' }, 400, FIELD],
    ['a description that is an object', 'PUT', '/tags/news', { description: {} }, 400, FIELD],
    ['a tag under __proto__', 'POST', '/tags', '{"name":"x","__proto__":1}', 400, BODY],
    ['changing an unknown tag', 'PUT', '/tags/none', { description: 'a' }, 404, 'FPWSE0001E'],
    ['removing Push.ALL', 'DELETE', '/tags/Push.ALL', undefined, 404, 'FPWSE0001E'],
    ['a subscription twice', 'POST', '/subscriptions', subscription, 409, 'FPWSE0011E'],
    ['one of an unknown device', 'POST', '/subscriptions', { ...subscription, deviceId: 'none' }, 404, 'FPWSE0001E'],
    ['neither one tag nor many', 'POST', '/subscriptions', { deviceId: 'kiosk' }, 400, FIELD],
    ['one tag and many', 'POST', '/subscriptions', { ...subscription, tagNames: ['a'] }, 400, FIELD],
    ['no tags', 'POST', '/subscriptions', { deviceId: 'kiosk', tagNames: [] }, 400, FIELD],
    ['tags that are no text', 'POST', '/subscriptions', { deviceId: 'kiosk', tagNames: ['news', 7] }, 400, FIELD],
    ['1,001 tags', 'POST', '/subscriptions', { deviceId: 'kiosk', tagNames: Array(1_001).fill('a') }, 400, FIELD],
    ['another action', 'POST', '/subscriptions?action=drop', subscription, 400, FIELD],
    ['DELETE without a tag', 'DELETE', '/subscriptions?deviceId=kiosk', undefined, 400, 'FPWSE0008E'],
    ['DELETE without a device', 'DELETE', '/subscriptions?tagName=news', undefined, 400, 'FPWSE0008E'],
    ['DELETE of everything', 'DELETE', '/subscriptions', undefined, 400, 'FPWSE0008E'],
    ['DELETE with more', 'DELETE', '/subscriptions?deviceId=kiosk&tagName=news&all=true', undefined, 400, 'FPWSE0007E'],
    [
      'DELETE with two tags',
      'DELETE',
      '/subscriptions?deviceId=kiosk&tagName=news&tagName=offers',
      undefined,
      400,
      FIELD,
    ],
    ['DELETE of what is not', 'DELETE', '/subscriptions?deviceId=kiosk&tagName=offers', undefined, 404, 'FPWSE0012E'],
    ['an id that is none', 'GET', `/subscriptions/${'9'.repeat(30)}`, undefined, 404, 'FPWSE0012E'],
    ['an id that is no number', 'DELETE', '/subscriptions/Push.ALL-x', undefined, 404, 'FPWSE0012E'],
  ] as const)('%s', async (_what, method, path, body, status, code) => {
    expect(await api.app(method, path, body)).toMatchObject({ status, body: { code } });
  });

  it('and have changed nothing', async () => {
    expect((await api.app('GET', '/tags?subscriptionCount=true')).body).toMatchObject({
      tags: [
        { name: 'news', description: 'What is new', subscriptionCount: 3 },
        { name: 'offers', subscriptionCount: 2 },
      ],
    });
    expect((await api.app('GET', '/subscriptions')).body).toMatchObject({
      pageInfo: { totalCount: expect.any(String) as string },
    });
  });
});

it('none of it was a fault of ours, and no token or user is in the log', () => {
  const log = carillon.output().split('The API, to try')[1];
  expect(log).toBeDefined();
  expect(log).not.toMatch(/ERROR|failed|sandbox:accepted|eyJ|anna/);
});
