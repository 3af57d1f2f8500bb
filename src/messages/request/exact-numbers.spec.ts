import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../common/body.js';
import { reviveJson, writeJson } from '../../common/json.js';
import { apnsBody } from '../../providers/apns/apns.payload.js';
import { ApnsProvider } from '../../providers/apns/apns.provider.js';
import { buildFcmBody } from '../../providers/fcm/fcm.payload.js';
import { FcmProvider } from '../../providers/fcm/fcm.provider.js';
import { buildAndroidBody, buildHarmonyBody } from '../../providers/hms/hms.payload.js';
import { HmsProvider } from '../../providers/hms/hms.provider.js';
import type { Notification } from '../../providers/notification.js';
import type { Providers } from '../../providers/providers.module.js';
import { SandboxProvider } from '../../providers/sandbox/sandbox.provider.js';
import { webPushBody } from '../../providers/web-push/web-push.payload.js';
import { WebPushProvider } from '../../providers/web-push/web-push.provider.js';
import { buildWnsRequests } from '../../providers/wns/wns.payload.js';
import { WnsProvider } from '../../providers/wns/wns.provider.js';
import { relayBody } from '../../providers/upstream/upstream.route.js';
import { UpstreamProvider } from '../../providers/upstream/upstream.provider.js';
import { readContent } from '../../campaigns/campaign-content.js';
import { prepareMessage } from './prepare.js';

/** Follows numbers that a double cannot hold from the body of a request to the bodies that each provider receives. */

const NOWHERE = 'https://127.0.0.1:1';
const providers: Providers = {
  apns: new ApnsProvider({ productionUrl: NOWHERE, sandboxUrl: NOWHERE }),
  fcm: new FcmProvider({ url: NOWHERE }),
  wns: new WnsProvider({ tokenUrl: NOWHERE, entraUrl: NOWHERE, channelHost: 'none.example' }),
  hms: new HmsProvider({ url: NOWHERE, tokenUrl: NOWHERE }),
  'web-push': new WebPushProvider({}),
  sandbox: new SandboxProvider(),
  upstream: new UpstreamProvider({}),
};
const NOW = Date.parse('2026-11-28T12:00:00Z');
const PAYLOAD = '{"chatId":1147483645123456789,"huge":1e400,"in":[{"pi":3.14159265358979323846}],"text":"1e400"}';

function request(settings = '', alert = 'hi'): string {
  const all = ['apns', 'gcm', 'chromeWeb', 'firefoxWeb'].map((name) => `"${name}":{"payload":${PAYLOAD}}`);
  return `{"message":{"alert":"${alert}"},"custom":${PAYLOAD},"settings":{${all.join(',')},"wns":{"raw":{"payload":${PAYLOAD}}}${settings}}}`;
}
const prepare = (text: string) => prepareMessage(parseJson(text), providers, { now: NOW, strict: false });

/** Stores a notification as the message's row does, and reads it back. */
function stored(text: string): Notification {
  const { notification } = prepare(text);
  const kept = { ...notification, messageId: 'Abcd1234', collapseId: 'c', expiresAt: NOW + 60_000 };
  return reviveJson(JSON.stringify(kept)) as Notification;
}

/** Checks that the members are in the body, at any depth and with any number of escapes. */
function expectPayload(body: Buffer | string): void {
  const text = body.toString().replaceAll('\\', '');
  for (const member of PAYLOAD.slice(1, -1).split(',"')) expect(text).toContain(member);
  expect(text).not.toContain('\ufdd2');
}

describe('numbers that a double cannot hold', () => {
  it('keep their digits in the payload of each provider', () => {
    const notification = stored(request());
    expectPayload(apnsBody(notification));
    expectPayload(buildFcmBody(notification, NOW).for('token'));
    expectPayload(buildAndroidBody(notification, NOW).for(['token']));
    expectPayload(buildHarmonyBody(notification, NOW).for(['token']));
    for (const platform of ['WEB_CHROME', 'WEB_FIREFOX']) expectPayload(webPushBody(notification, platform));
    const raw = buildWnsRequests(notification, NOW).find(({ headers }) => headers['x-wns-type'] === 'wns/raw');
    expect(raw?.body.toString()).toBe(PAYLOAD);
  });

  it('are valid JSON in APNs and Windows payloads, and text in the data of Android phones', () => {
    const notification = stored(request());
    const apns = JSON.parse(apnsBody(notification).toString()) as { payload: string };
    expect(apns.payload).toContain('"chatId":1147483645123456789,');
    const { message } = JSON.parse(buildFcmBody(notification, NOW).for('t').toString()) as {
      message: { data: { payload: string } };
    };
    expect(message.data.payload).toContain('"huge":1e400,');
  });

  it('keep their digits beside placeholders that are filled in', () => {
    const notification = stored(request('', 'Hi {{name}}'));
    const body = buildFcmBody(notification, NOW).for('token', { name: 'Ann' });
    expectPayload(body);
    expect(body.toString()).toContain('Hi Ann');
  });

  it('keep their digits in the echo of the message and in the body sent to the upstream', () => {
    const { request: echoed } = prepare(request());
    expect(writeJson(echoed)).toBe(request());
    expectPayload(writeJson(relayBody(reviveJson(JSON.stringify(echoed)) as Record<string, unknown>)));
  });

  it('keep their digits in the content of a campaign', () => {
    const { notification } = readContent(reviveJson(JSON.stringify(parseJson(request()))));
    expect(writeJson(notification.apns?.payload)).toBe(PAYLOAD);
  });

  it('keep their digits as values of placeholders', () => {
    const { data } = prepare(
      '{"message":{"alert":"{{n}}"},"target":{"userIds":["u"]},"data":{"u":{"n":1147483645123456789}}}',
    );
    expect(data?.get('u')).toEqual({ n: '1147483645123456789' });
  });

  it('keep their digits where the whole payload of a browser is a number', () => {
    const text = '{"message":{"alert":"hi"},"settings":{"chromeWeb":{"payload":1147483645123456789}}}';
    expect(webPushBody(stored(text), 'WEB_CHROME').toString()).toContain('"payload":1147483645123456789}');
  });

  it.each([
    ['settings.apns.badge', '"settings":{"apns":{"badge":1e400}}'],
    ['settings.apns.badge', '"settings":{"apns":{"badge":"9007199254740993"}}'],
    ['settings.gcm.timeToLive', '"settings":{"gcm":{"timeToLive":60.00000000000000000001}}'],
    ['settings.apns.payload', '"settings":{"apns":{"payload":1e400}}'],
    ['settings.apns', '"settings":{"apns":1e400}'],
    ['settings', '"settings":1e400'],
    ['ttl', '"ttl":1e400'],
    ['target', '"target":1e400'],
    ['target.userIds', '"target":{"userIds":[1147483645123456789]}'],
    ['data.u', '"target":{"userIds":["u"]},"data":{"u":1e400}'],
  ])('are refused in %s: %s', (field, members) => {
    expect(() => prepare(`{"message":{"alert":"hi"},${members}}`)).toThrow(`'${field}'`);
  });
});
