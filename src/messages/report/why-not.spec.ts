import { expect, it } from 'vitest';
import { whyNot } from './why-not.js';
import type { Circumstances } from './why-not.js';

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
};

it.each<[string, Partial<Circumstances>]>([
  ['the message is not expanded yet', { state: 'scheduled' }],
  ['the message is a resend of some deliveries of Ab12Cd34', { resendOf: 'Ab12Cd34' }],
  ['the device was registered after the message was sent', { seq: 101 }],
  [
    'the device was registered after the message was sent',
    { createdAt: new Date('2026-11-25T10:00:01Z'), lastSeq: null },
  ],
  ['the message is for G, W, and the device is A', { target: { platforms: ['G', 'W'] } }],
  ['the message is for other devices', { target: { deviceIds: ['d8'] } }],
  ['the message is for other users', { target: { userIds: ['u8'] } }],
  ['the message is for other users', { target: { userIds: ['null'] }, userId: null }],
  [
    'the device is retired since 2026-11-24T00:00:00.000Z: Unregistered',
    { target: { deviceIds: ['d7'] }, retiredAt: new Date('2026-11-24T00:00:00Z'), retiredReason: 'Unregistered' },
  ],
  ['the device is not subscribed to any of the tags', { target: { tagNames: ['sport'] } }],
  ['the device is not subscribed to any of the tags', { target: { tagNames: ['Push.ALL'] }, broadcast: false }],
  ['the device has unsubscribed from Push.ALL', { broadcast: false }],
])('%s: %j', (why, change) => {
  expect(whyNot({ ...usual, ...change })).toBe(why);
});

it.each<[Partial<Circumstances>]>([
  [{}],
  [{ target: { tagNames: ['news', 'sport'] }, broadcast: false }],
  [{ target: { tagNames: ['Push.ALL'] } }],
  [{ retiredAt: new Date('2026-11-26T00:00:00Z'), retiredReason: 'Unregistered' }],
])('says so if nothing explains the missing delivery: %j', (change) => {
  expect(whyNot({ ...usual, ...change })).toMatch(/^no current data explains it/);
});
