import { describe, expect, it } from 'vitest';
import { VIA, isInShare, isRelayed, readRoute, relayBody } from './upstream.route.js';

describe('readRoute', () => {
  it.each([
    [null, 'direct', 0],
    [{ mode: 'upstream' }, 'upstream', 0],
    [{ mode: 'both', share: 20 }, 'both', 20],
    [{ mode: 'direct' }, 'direct', 0],
    // Written by a later release, or damaged: nothing is sent to a place that this release does not know.
    [{ mode: 'else', share: '5' }, 'direct', 0],
  ])('%j', (visible, mode, share) => {
    expect(readRoute(visible)).toEqual({ mode, share });
  });
});

it.each([
  [undefined, false],
  ['1.1 proxy.internal', false],
  [VIA, true],
  [`${VIA}, 1.1 proxy.internal`, true],
  ['1.1 proxy.internal,1.1 carillon (relay)', true],
])('isRelayed %j', (via, relayed) => {
  expect(isRelayed(via)).toBe(relayed);
});

describe('isInShare', () => {
  const users = Array.from({ length: 10_000 }, (_, index) => `user-${index}`);
  const at = (share: number) => users.filter((user) => isInShare(user, share));

  it('includes no user at 0 and every user at 100', () => {
    expect([at(0).length, at(100).length]).toEqual([0, users.length]);
  });

  it('matches the share, and a user who is in stays in when it grows', () => {
    const sizes = [1, 10, 20, 50, 90].map((share) => at(share));
    for (const [index, share] of [1, 10, 20, 50, 90].entries()) {
      expect(Math.abs(sizes[index]!.length - share * 100)).toBeLessThan(150);
      const grown = new Set(sizes[index + 1] ?? users);
      expect(sizes[index]!.filter((user) => !grown.has(user))).toEqual([]);
    }
  });

  it('stays the same in every release, so that users do not change sides', () => {
    expect(['anna', 'ben', 'chris', 'Zoë', ''].map((user) => isInShare(user, 50))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('relayBody', () => {
  const request = {
    message: { alert: 'hi' },
    settings: { apns: { badge: 1 } },
    target: { userIds: ['a', 'b', 'c'], platforms: 'A,G' },
    custom: { kept: true },
    ttl: 60,
    onUnknown: 'hold',
  };

  it('is the request without the fields for this server', () => {
    const { ttl: _ttl, onUnknown: _onUnknown, ...theirs } = request;
    expect(relayBody(request)).toEqual(theirs);
    expect(relayBody({ message: { alert: 'hi' } })).toEqual({ message: { alert: 'hi' } });
  });

  it('contains its part of a divided list and the fields beside the list', () => {
    const body = relayBody(request, { list: 'userIds', ids: ['b'], target: request.target });
    expect(body.target).toEqual({ userIds: ['b'], platforms: 'A,G' });
    expect(body).toMatchObject({ settings: request.settings, custom: request.custom });
  });

  it('has one target, even if the request had it inside the settings', () => {
    const target = { deviceIds: ['x', 'y'] };
    const body = relayBody(
      { message: { alert: 'hi' }, settings: { gcm: {}, target } },
      { list: 'deviceIds', ids: ['y'], target },
    );
    expect(body).toEqual({ message: { alert: 'hi' }, settings: { gcm: {} }, target: { deviceIds: ['y'] } });
  });
});
