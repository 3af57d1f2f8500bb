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

/** Numbers that a double cannot hold, from the body of a request to what each provider is sent. */

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

/** As a message's row keeps it, and gives it back. */
function stored(text: string): Notification {
  const { notification } = prepare(text);
  const kept = { ...notification, messageId: 'Abcd1234', collapseId: 'c', expiresAt: NOW + 60_000 };
  return reviveJson(JSON.stringify(kept)) as Notification;
}

/** The members, wherever they stand and however often they are escaped. */
function expectPayload(body: Buffer | string): void {
  const text = body.toString().replaceAll('\\', '');
  for (const member of PAYLOAD.slice(1, -1).split(',"')) expect(text).toContain(member);
  expect(text).not.toContain('\ufdd2');
}

describe('numbers that a double cannot hold', () => {
  it('are in the payload of each provider as they came', () => {
    const notification = stored(request());
    expectPayload(apnsBody(notification));
    expectPayload(buildFcmBody(notification, NOW).for('token'));
    expectPayload(buildAndroidBody(notification, NOW).for(['token']));
    expectPayload(buildHarmonyBody(notification, NOW).for(['token']));
    for (const platform of ['WEB_CHROME', 'WEB_FIREFOX']) expectPayload(webPushBody(notification, platform));
    const raw = buildWnsRequests(notification, NOW).find(({ headers }) => headers['x-wns-type'] === 'wns/raw');
    expect(raw?.body.toString()).toBe(PAYLOAD);
  });

  it('are valid JSON there, and text in the data of Android phones', () => {
    const notification = stored(request());
    const apns = JSON.parse(apnsBody(notification).toString()) as { payload: string };
    expect(apns.payload).toContain('"chatId":1147483645123456789,');
    const { message } = JSON.parse(buildFcmBody(notification, NOW).for('t').toString()) as {
      message: { data: { payload: string } };
    };
    expect(message.data.payload).toContain('"huge":1e400,');
  });

  it('stand beside placeholders that are filled in', () => {
    const notification = stored(request('', 'Hi {{name}}'));
    const body = buildFcmBody(notification, NOW).for('token', { name: 'Ann' });
    expectPayload(body);
    expect(body.toString()).toContain('Hi Ann');
  });

  it('are in the echo, and in what the upstream is sent', () => {
    const { request: echoed } = prepare(request());
    expect(writeJson(echoed)).toBe(request());
    expectPayload(writeJson(relayBody(reviveJson(JSON.stringify(echoed)) as Record<string, unknown>)));
  });

  it('are in the content of a campaign', () => {
    const { notification } = readContent(reviveJson(JSON.stringify(parseJson(request()))));
    expect(writeJson(notification.apns?.payload)).toBe(PAYLOAD);
  });

  it('are values of placeholders as they came', () => {
    const { data } = prepare(
      '{"message":{"alert":"{{n}}"},"target":{"userIds":["u"]},"data":{"u":{"n":1147483645123456789}}}',
    );
    expect(data?.get('u')).toEqual({ n: '1147483645123456789' });
  });

  it('are a payload of a browser by themselves', () => {
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
