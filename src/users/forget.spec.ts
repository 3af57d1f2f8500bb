import { describe, expect, it } from 'vitest';
import { forgetIn, forgetTarget } from './forget.js';
import type { NamingMessage } from './forget.js';

const ANN = { userId: 'ann', deviceIds: new Set(['d1', 'd2']), pseudonym: 'removed-x' };
const NOTHING: NamingMessage = { target: {}, body: {}, relay: null };

describe('forgetTarget', () => {
  it.each([
    [{ userIds: ['ann', 'ben'] }, { userIds: ['removed-x', 'ben'] }],
    [
      { userIds: ['ann'], platforms: ['A'] },
      { userIds: ['removed-x'], platforms: ['A'] },
    ],
    [
      { deviceIds: ['d1', 'd2', 'd3'], userIds: null },
      { deviceIds: ['removed-x', 'd3'], userIds: null },
    ],
    [{ userIds: ['Ann', 'ann2'] }, { userIds: ['Ann', 'ann2'] }],
    [{ tagNames: ['ann'] }, { tagNames: ['ann'] }],
    [undefined, undefined],
    ['ann', 'ann'],
  ])('%j', (target, expected) => {
    const forgotten = forgetTarget(target, ANN);
    expect(forgotten).toEqual(expected);
    expect(JSON.stringify(forgotten) ?? '').not.toContain('[]');
  });
});

describe('forgetIn', () => {
  it('replaces the id in a target inside the settings, and in values', () => {
    const body = {
      message: { alert: 'Hi ann' },
      settings: { apns: { badge: 1 }, target: { userIds: ['ben', 'ann'] } },
      data: { ann: { name: 'Ann' }, ben: { name: 'Ben' } },
    };
    expect(forgetIn({ ...NOTHING, target: { userIds: ['ben', 'ann'] }, body }, ANN)).toEqual({
      target: { userIds: ['ben', 'removed-x'] },
      body: {
        message: { alert: 'Hi ann' },
        settings: { apns: { badge: 1 }, target: { userIds: ['ben', 'removed-x'] } },
        data: { ben: { name: 'Ben' } },
      },
      relay: null,
      alone: false,
    });
  });

  it('removes the id from a request to the upstream that names other users', () => {
    const relay = { message: { alert: 'Hi' }, target: { userIds: ['ann', 'ben'] } };
    const forgotten = forgetIn({ target: { userIds: ['cleo'] }, body: relay, relay }, ANN);
    expect(forgotten.relay).toEqual({ message: { alert: 'Hi' }, target: { userIds: ['ben'] } });
    expect(forgotten.body.target).toEqual({ userIds: ['removed-x', 'ben'] });
    expect(forgotten.alone).toBe(false);
  });

  it.each<[string, Partial<NamingMessage>, boolean]>([
    ['the user', { target: { userIds: ['ann'] } }, true],
    ['some of the devices', { target: { deviceIds: ['d2', 'd1'] } }, true],
    ['the user at the upstream', { target: { userIds: ['ann'] }, relay: { target: { userIds: ['ann'] } } }, true],
    ['another at the upstream', { target: { userIds: ['ann'] }, relay: { target: { userIds: ['ben'] } } }, false],
    ['another device', { target: { deviceIds: ['d1', 'd3'] } }, false],
    ['a tag', { target: { tagNames: ['ann'] } }, false],
    ['all', {}, false],
  ])('a message to %s is alone: %o', (_what, message, alone) => {
    expect(forgetIn({ ...NOTHING, ...message }, ANN).alone).toBe(alone);
  });

  it('does not make an empty list in the request to the upstream', () => {
    const relay = { message: {}, target: { userIds: ['ann'] } };
    expect(forgetIn({ target: { userIds: ['ann'] }, body: relay, relay }, ANN).relay?.target).toEqual({
      userIds: ['removed-x'],
    });
  });
});
