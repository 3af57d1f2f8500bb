import { describe, expect, it } from 'vitest';
import { readTarget, warnOfTarget } from './target.js';

const ids = (count: number) => Array.from({ length: count }, (_, index) => `id-${index}`);

describe('readTarget', () => {
  it.each<[string, unknown, object]>([
    ['nothing: everybody', undefined, {}],
    ['devices', { deviceIds: ['d1', 'd2'] }, { deviceIds: ['d1', 'd2'] }],
    ['users', { userIds: ['u1'] }, { userIds: ['u1'] }],
    ['tags', { tagNames: ['news', 'Push.ALL'] }, { tagNames: ['news', 'Push.ALL'] }],
    ['each once', { userIds: ['u1', 'u2', 'u1'] }, { userIds: ['u1', 'u2'] }],
    ['platforms', { platforms: ['A', 'WEB_CHROME'] }, { platforms: ['A', 'WEB_CHROME'] }],
    ['platforms as one text', { platforms: 'A,G' }, { platforms: ['A', 'G'] }],
    ['platforms as texts in a list', { platforms: ['A, G', 'G'] }, { platforms: ['A', 'G'] }],
    ["the tutorial's Windows", { platforms: ['M'] }, { platforms: ['W'] }],
    ['platforms narrow users', { userIds: ['u1'], platforms: ['A'] }, { userIds: ['u1'], platforms: ['A'] }],
    ['any text as id', { userIds: ["o'hara; --", '😀'] }, { userIds: ["o'hara; --", '😀'] }],
    ['ids of 255 characters', { deviceIds: ['x'.repeat(255)] }, { deviceIds: ['x'.repeat(255)] }],
    ['users but no platforms', { userIds: ['u1'], platforms: [] }, { userIds: ['u1'] }],
    ['users, and null platforms', { userIds: ['u1'], platforms: null }, { userIds: ['u1'] }],
    [
      'what a Java object has',
      { deviceIds: ['d1'], userIds: [], tagNames: null, platforms: '', phoneNumber: null },
      { deviceIds: ['d1'] },
    ],
    ['platforms beside empty lists', { platforms: ['A'], deviceIds: [], userIds: null }, { platforms: ['A'] }],
    ['null under a name that is not known', { userIds: ['u1'], segments: null, tags: [] }, { userIds: ['u1'] }],
    ["the vendor's browser extensions", { platforms: ['A', 'APPEXT_CHROME'] }, { platforms: ['A', 'APPEXT_CHROME'] }],
    ['ten thousand devices', { deviceIds: ids(10_000) }, { deviceIds: ids(10_000) }],
  ])('%s', (_what, target, read) => {
    expect(readTarget(target)).toEqual(read);
  });

  const EMPTY = 'it is empty; omit it to reach all devices';
  const EMPTY_LIST = 'it is empty; omit the target to reach all devices';
  const OBJECT = 'it must be an object; omit it to reach all devices';
  const LIST = 'it must be a list of strings';
  const EACH = 'each must be a string of 1 to 255 characters';
  const CODES = 'each must be one of A, G, W, WEB_CHROME, WEB_FIREFOX, WEB_SAFARI, H';
  const KNOWN =
    'unknown member; known members are deviceIds, userIds, tagNames, platforms, languages, timeZones, appVersion, attributes, audience';
  // A target that is not clearly a set of recipients must not become a broadcast.
  it.each<[string, unknown, string, string]>([
    ['null', null, 'target', OBJECT],
    ['a text', 'u1', 'target', OBJECT],
    ['an empty text', '', 'target', OBJECT],
    ['a list', ['u1'], 'target', OBJECT],
    ['false', false, 'target', OBJECT],
    ['an empty object', {}, 'target', EMPTY],
    ['no devices', { deviceIds: [] }, 'target.deviceIds', EMPTY_LIST],
    ['no users', { userIds: [] }, 'target.userIds', EMPTY_LIST],
    ['no tags', { tagNames: [] }, 'target.tagNames', EMPTY_LIST],
    ['no platforms', { platforms: [] }, 'target.platforms', EMPTY_LIST],
    ['platforms as empty text', { platforms: '' }, 'target.platforms', EMPTY_LIST],
    ['null users', { userIds: null }, 'target.userIds', LIST],
    ['one user as text', { userIds: 'u1' }, 'target.userIds', LIST],
    ['a number among users', { userIds: ['u1', 7] }, 'target.userIds', EACH],
    ['an empty id', { deviceIds: [''] }, 'target.deviceIds', EACH],
    ['a long id', { deviceIds: ['x'.repeat(256)] }, 'target.deviceIds', EACH],
    ['a NUL', { tagNames: ['a\0'] }, 'target.tagNames', EACH],
    ['half a pair', { tagNames: ['\ud83d'] }, 'target.tagNames', EACH],
    ['too many devices', { deviceIds: ids(10_001) }, 'target.deviceIds', 'it must have at most 10000 entries'],
    ['too many users', { userIds: ids(10_001) }, 'target.userIds', 'it must have at most 10000 entries'],
    ['too many tags', { tagNames: ids(1_001) }, 'target.tagNames', 'it must have at most 1000 entries'],
    ['an unknown platform', { platforms: ['A', 'Z'] }, 'target.platforms', CODES],
    ['a platform in small letters', { platforms: ['a'] }, 'target.platforms', CODES],
    ['a comma at the end', { platforms: 'A,' }, 'target.platforms', CODES],
    ['null platforms', { platforms: null }, 'target.platforms', CODES],
    ['a number as platform', { platforms: [1] }, 'target.platforms', CODES],
    [
      'devices and users',
      { deviceIds: ['d1'], userIds: ['u1'] },
      'target',
      'only one of deviceIds and userIds can be set',
    ],
    [
      'all three, even empty',
      { deviceIds: [], userIds: [], tagNames: [] },
      'target',
      'only one of deviceIds and userIds and tagNames can be set',
    ],
    ['a misspelt list', { userids: ['u1'] }, 'target.userids', KNOWN],
    ['a misspelt list beside a right one', { userIds: ['u1'], tags: ['x'] }, 'target.tags', KNOWN],
    ['SMS', { phoneNumber: '1' }, 'target.phoneNumber', KNOWN],
    ['a name of JavaScript', { constructor: ['u1'] }, 'target.constructor', KNOWN],
    ['a name that could upset a terminal', { 'a\x1b[2J\n': 1 }, 'target.a?[2J?', KNOWN],
    ['a name without end', { ['k'.repeat(500)]: 1 }, `target.${'k'.repeat(40)}`, KNOWN],
  ])('refuses %s', (_what, target, field, reason) => {
    expect(() => readTarget(target)).toThrow(
      expect.objectContaining({
        code: 'FPWSE0005E',
        message: `Invalid value was provided. Check the '${field}' parameter value: ${reason}.`,
      }),
    );
  });

  it.each<[string, unknown, RegExp[]]>([
    ['nothing', undefined, []],
    ['users', { userIds: ['u1'], platforms: [], deviceIds: [] }, []],
    ['platforms beside null lists', { platforms: ['A'], deviceIds: null }, []],
    ['platforms beside empty lists', { platforms: ['A'], userIds: [] }, [/'target\.userIds' is empty/]],
    ["the vendor's browser extensions", { platforms: 'A,APPEXT_CHROME' }, [/APPEXT_CHROME is not supported/]],
  ])('warns of %s', (_what, target, warnings) => {
    const told = warnOfTarget(target, readTarget(target));
    expect(told.map(({ message }) => message)).toEqual(
      warnings.map((warning) => expect.stringMatching(warning) as string),
    );
  });

  it('removes duplicate ids', () => {
    expect(() => readTarget({ userIds: ['hunter2'.repeat(40)] })).not.toThrow(/hunter2/);
  });
});
