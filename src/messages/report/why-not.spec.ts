import { expect, it } from 'vitest';
import { WHY_NOT_CODES, whyNot } from './why-not.js';
import type { Circumstances, WhyNot } from './why-not.js';

const usual: Circumstances = {
  state: 'finished',
  target: {},
  lastSeq: 100,
  resendOf: null,
  leftAt: new Date('2026-11-25T10:00:00Z'),
  seq: 7,
  createdAt: new Date('2026-11-01T10:00:00Z'),
  deviceId: 'd7',
  platform: 'A',
  userId: 'u7',
  broadcast: true,
  retiredAt: null,
  retiredReason: null,
  tags: ['news'],
  unmet: null,
  capped: 0,
};

const RETIRED_AT = new Date('2026-11-24T00:00:00Z');

const CASES: [code: WhyNot['reasonCode'], reason: string, change: Partial<Circumstances>, members?: Partial<WhyNot>][] =
  [
    ['awaitingApproval', 'the message waits for approval', { state: 'awaitingApproval' }],
    ['notExpanded', 'the message is not expanded yet', { state: 'scheduled' }],
    [
      'resend',
      'the message is a resend of some deliveries of Ab12Cd34',
      { resendOf: 'Ab12Cd34' },
      { resendOf: 'Ab12Cd34' },
    ],
    ['registeredLater', 'the device was registered after the message was sent', { seq: 101 }],
    [
      'registeredLater',
      'the device was registered after the message was sent',
      { createdAt: new Date('2026-11-25T10:00:01Z'), lastSeq: null },
    ],
    [
      'otherPlatform',
      'the message is for G, W, and the device is A',
      { target: { platforms: ['G', 'W'] } },
      { targetPlatforms: ['G', 'W'] },
    ],
    ['otherDevices', 'the message is for other devices', { target: { deviceIds: ['d8'] } }],
    ['otherUsers', 'the message is for other users', { target: { userIds: ['u8'] } }],
    ['otherUsers', 'the message is for other users', { target: { userIds: ['null'] }, userId: null }],
    [
      'retired',
      'the device is retired since 2026-11-24T00:00:00.000Z: Unregistered',
      { target: { deviceIds: ['d7'] }, retiredAt: RETIRED_AT, retiredReason: 'Unregistered' },
      { retiredAt: RETIRED_AT, retiredReason: 'Unregistered' },
    ],
    ['notSubscribed', 'the device is not subscribed to any of the tags', { target: { tagNames: ['sport'] } }],
    [
      'notSubscribed',
      'the device is not subscribed to any of the tags',
      { target: { tagNames: ['Push.ALL'] }, broadcast: false },
    ],
    ['unsubscribed', 'the device has unsubscribed from Push.ALL', { broadcast: false }],
    ['otherLanguage', 'the message is for devices of other languages', { unmet: { kind: 'language', of: ['de'] } }],
    [
      'otherTimeZone',
      'the message is for devices in other time zones',
      { unmet: { kind: 'timeZone', of: ['Asia/Tokyo'], orNone: false } },
    ],
    ['otherAppVersion', 'the message is for other versions of the app', { unmet: { kind: 'appVersion', min: '2' } }],
    [
      'otherAttribute',
      "the message is for devices with another value of the attribute 'plan'",
      { unmet: { kind: 'attribute', name: 'plan', in: ['gold'] } },
      { attribute: 'plan' },
    ],
    [
      'otherAttribute',
      "the message is for devices with another value of the attribute 'age'",
      { unmet: { kind: 'attributeRange', name: 'age', min: 18 } },
      { attribute: 'age' },
    ],
    [
      'otherVariant',
      'the campaign has another variant for this user, or none',
      { unmet: { kind: 'share', salt: 's', from: 0, to: 5_000 } },
    ],
    [
      'dailyCap',
      'the daily cap of the campaign left out 3 devices, and no current data but this explains it',
      { capped: 3 },
      { capped: 3 },
    ],
  ];

it.each(CASES)('%s: %s: %j', (reasonCode, reason, change, members = {}) => {
  expect(whyNot({ ...usual, ...change })).toEqual({ reasonCode, reason, ...members });
});

it('has a case for each code', () => {
  expect(new Set([...CASES.map(([code]) => code), 'changedSince'])).toEqual(new Set(WHY_NOT_CODES));
});

it.each<[Partial<Circumstances>]>([
  [{}],
  [{ target: { tagNames: ['news', 'sport'] }, broadcast: false }],
  [{ target: { tagNames: ['Push.ALL'] } }],
  [{ retiredAt: new Date('2026-11-26T00:00:00Z'), retiredReason: 'Unregistered' }],
])('says so if nothing explains the missing delivery: %j', (change) => {
  expect(whyNot({ ...usual, ...change })).toMatchObject({
    reasonCode: 'changedSince',
    reason: expect.stringMatching(/^no current data explains it/) as string,
  });
});
