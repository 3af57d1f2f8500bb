import { describe, expect, it } from 'vitest';
import { channelSpellings, hexSpellings, newKeys, subscriptionSpellings } from '../../test/spellings.js';
import { ApnsProvider } from './apns/apns.provider.js';
import { FcmProvider } from './fcm/fcm.provider.js';
import { HmsProvider } from './hms/hms.provider.js';
import { SandboxProvider } from './sandbox/sandbox.provider.js';
import { WebPushProvider } from './web-push/web-push.provider.js';
import { WnsProvider } from './wns/wns.provider.js';

const apns = new ApnsProvider({ productionUrl: 'https://a.example', sandboxUrl: 'https://b.example' });
const fcm = new FcmProvider({ url: 'https://fcm.example' });
const hms = new HmsProvider({ url: 'https://hms.example', tokenUrl: 'https://hms.example/token' });
const wns = new WnsProvider({
  tokenUrl: 'https://login.example',
  entraUrl: 'https://login.example',
  channelHost: '*.notify.windows.com',
});
const webPush = new WebPushProvider({});

const HEX = 'ab12cd34ef56'.repeat(5);
const CHANNEL = 'https://db5.notify.windows.com/?token=AwYAAAC%2fd%2bx';
const ENDPOINT = 'https://fcm.googleapis.com/fcm/send/c1-a:APA91bH';
const KEYS = newKeys();

const subscription = (endpoint: string, keys: object = KEYS): string => JSON.stringify({ endpoint, keys });
/** 65 bytes in the form of an uncompressed point that is not on the curve. */
const OFF_CURVE = Buffer.alloc(65, 4).toString('base64url');

describe('every spelling of one token has the same identity', () => {
  it.each(Object.entries(hexSpellings(HEX)))('APNs: %s', (_name, token) => {
    expect(apns.identify(token.trim())).toEqual({ identity: HEX });
  });

  it.each(Object.entries(channelSpellings(CHANNEL)))('WNS: %s', (_name, token) => {
    expect(wns.identify(token.trim())).toEqual({
      identity: 'https://db5.notify.windows.com/?token=AwYAAAC%2Fd%2Bx',
    });
  });

  it.each(Object.entries(subscriptionSpellings(ENDPOINT, KEYS)))('Web Push: %s', (_name, token) => {
    expect(webPush.identify(token.trim())).toEqual({ identity: ENDPOINT });
  });
});

it.each([
  ['FCM', fcm, 'c1-a:APA91bH', 'C1-a:APA91bH'],
  ['HMS', hms, 'IQAAAACy0b+/=', 'iQAAAACy0b+/='],
  ['the sandbox', new SandboxProvider(), 'sandbox:accepted:a b', 'sandbox:accepted:A b'],
  ['WNS, in the channel’s token', wns, CHANNEL, CHANNEL.replace('AwY', 'Awy')],
  ['Web Push, in the path', webPush, subscription(ENDPOINT), subscription(`${ENDPOINT}h`)],
  [
    'Web Push, with a path that begins like a host',
    webPush,
    subscription('https://a.example//x'),
    subscription('https://x/'),
  ],
])('tokens of %s that differ in one letter are two devices', (_name, provider, one, other) => {
  expect(provider.identify(one)).toHaveProperty('identity');
  expect(provider.identify(one)).not.toEqual(provider.identify(other));
});

describe('a token that the sender would refuse is refused with the reason', () => {
  it.each([
    ['APNs', 'brackets, as iOS prints them', apns, `<${HEX}>`, 'hexadecimal'],
    ['APNs', 'white space inside', apns, `${HEX.slice(0, 8)} ${HEX.slice(8)}`, 'hexadecimal'],
    ['APNs', 'a path', apns, '../../1/apps', 'hexadecimal'],
    ['APNs', 'a token of FCM', apns, 'c1-a:APA91bH', 'hexadecimal'],
    ['APNs', 'one digit', apns, 'a', 'hexadecimal'],
    ['APNs', 'more than 512 digits', apns, 'a'.repeat(514), 'hexadecimal'],
    ['APNs', 'base64', apns, Buffer.from(HEX, 'hex').toString('base64'), 'hexadecimal'],
    ['FCM', 'white space inside', fcm, 'c1-a: APA91bH', 'white space'],
    ['FCM', 'a line break inside', fcm, 'c1-a:\nAPA91bH', 'white space'],
    ['FCM', 'quotes', fcm, '"c1-a:APA91bH"', 'quotes'],
    ['FCM', 'a subscription', fcm, subscription(ENDPOINT), 'quotes'],
    ['FCM', 'letters outside ASCII', fcm, 'c1-é', 'ASCII'],
    ['FCM', 'a NUL', fcm, 'c1-a\0', 'ASCII'],
    ['HMS', 'white space inside', hms, 'IQAA AACy', 'white space'],
    ['HMS', 'brackets', hms, '[IQAAAACy]', 'brackets'],
    ['WNS', 'no URI', wns, 'AwYAAAC', 'channel'],
    ['WNS', 'http', wns, CHANNEL.replace('https', 'http'), 'channel'],
    ['WNS', 'a foreign host', wns, 'https://notify.example/?token=AwY', 'channel'],
    ['WNS', 'a host that only ends alike', wns, 'https://evilnotify.windows.com/?token=AwY', 'channel'],
    ['WNS', 'a user', wns, 'https://a@db5.notify.windows.com/?token=AwY', 'channel'],
    ['WNS', 'a port', wns, 'https://db5.notify.windows.com:8443/?token=AwY', 'channel'],
    ['WNS', 'white space inside', wns, 'https://db5.notify.windows.com/?token=Aw YA', 'white space'],
    ['Web Push', 'no JSON', webPush, ENDPOINT, 'JSON'],
    ['Web Push', 'no endpoint', webPush, JSON.stringify({ keys: KEYS }), 'endpoint'],
    ['Web Push', 'http', webPush, subscription(ENDPOINT.replace('https', 'http')), 'https'],
    ['Web Push', 'a private address', webPush, subscription('https://10.0.0.1/x'), 'public'],
    ['Web Push', 'a decimal private address', webPush, subscription('https://2130706433/x'), 'public'],
    ['Web Push', 'a private IPv6 address', webPush, subscription('https://[::1]/x'), 'public'],
    ['Web Push', 'this machine', webPush, subscription('https://localhost/x'), 'public'],
    ['Web Push', 'a user', webPush, subscription('https://a:b@push.example/x'), 'user'],
    ['Web Push', 'white space inside', webPush, subscription('https://push.example/a b'), 'white space'],
    ['Web Push', 'an endpoint of 3,000 characters', webPush, subscription(`${ENDPOINT}${'x'.repeat(3_000)}`), 'https'],
    ['Web Push', 'no keys', webPush, subscription(ENDPOINT, {}), 'userPublicKey'],
    ['Web Push', 'a key that is on no curve', webPush, subscription(ENDPOINT, { ...KEYS, p256dh: OFF_CURVE }), 'curve'],
    ['Web Push', 'a short secret', webPush, subscription(ENDPOINT, { ...KEYS, auth: 'AAAA' }), 'userAuth'],
  ])('%s: %s', (_name, _what, provider, token, reason) => {
    expect(provider.identify(token)).toEqual({ refusal: expect.stringContaining(reason) });
  });
});
