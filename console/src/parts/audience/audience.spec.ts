import { describe, expect, it } from 'vitest';
import { audienceOf, EVERYBODY, readAudience } from './audience';
import type { AttributeRule, AudienceDraft } from './audience';

const draft = (members: Partial<AudienceDraft>): AudienceDraft => ({ ...EVERYBODY, ...members });
const rule = (operator: AttributeRule['operator'], value = '', name = 'points'): AttributeRule => ({
  id: '',
  name,
  operator,
  value,
});

describe('readAudience', () => {
  it.each<[string, Partial<AudienceDraft>, unknown]>([
    ['everybody', {}, { target: undefined }],
    ['tags', { kind: 'tags', tagNames: ['news'] }, { target: { tagNames: ['news'] } }],
    [
      'users, and none of the lists of other kinds',
      { kind: 'users', userIds: ['u'], deviceIds: ['d'], tagNames: ['t'] },
      { target: { userIds: ['u'] } },
    ],
    ['a saved audience', { kind: 'saved', saved: 'gold' }, { target: { audience: 'gold' } }],
    [
      'everybody of a platform and a language',
      { platforms: ['A'], languages: ['de'] },
      { target: { platforms: ['A'], languages: ['de'] } },
    ],
    ['a text', { attributes: [rule('is', '10')] }, { target: { attributes: { points: '10' } } }],
    ['a number', { attributes: [rule('number', '10')] }, { target: { attributes: { points: 10 } } }],
    [
      'a range',
      { attributes: [rule('atLeast', '-1.5'), rule('atMost', '1,000')] },
      { target: { attributes: { points: { min: -1.5, max: 1000 } } } },
    ],
    [
      'alternatives',
      { attributes: [rule('is', 'a'), rule('is', 'b'), rule('is', 'c')] },
      { target: { attributes: { points: ['a', 'b', 'c'] } } },
    ],
    ['yes', { attributes: [rule('yes')] }, { target: { attributes: { points: true } } }],
  ])('%s', (_name, members, wanted) => {
    expect(readAudience(draft(members))).toEqual(wanted);
  });

  it.each<[string, Partial<AudienceDraft>]>([
    ['noTags', { kind: 'tags' }],
    ['noUsers', { kind: 'users' }],
    ['noDevices', { kind: 'devices', platforms: ['A'] }],
    ['noSaved', { kind: 'saved' }],
    ['noName', { attributes: [rule('is', 'gold', ' ')] }],
    ['noNumber', { attributes: [rule('atLeast', 'ten')] }],
    ['mixed', { attributes: [rule('is', 'a'), rule('atLeast', '1')] }],
    ['mixed', { attributes: [rule('atLeast', '1'), rule('atLeast', '2')] }],
  ])('%s: a half-filled audience is no target', (problem, members) => {
    expect(readAudience(draft(members))).toEqual({ problem });
  });
});

describe('audienceOf', () => {
  it.each([
    [undefined],
    [{ tagNames: ['news'], platforms: ['A'], timeZones: ['Europe/Berlin'] }],
    [{ audience: 'gold', languages: ['de'] }],
    [{ attributes: { tier: ['gold', 'silver'], points: { min: -1.5, max: 1234.567 }, old: false, age: 10_000 } }],
  ])('%j is shown, and comes back as it was', (target) => {
    const found = audienceOf(target);
    const read = found && readAudience(found.draft);
    expect(read && 'target' in read ? { ...found?.rest, ...read.target } : null).toEqual(target ?? {});
  });

  it('shows a list of one value as the value', () => {
    expect(audienceOf({ attributes: { tier: ['gold'] } })?.draft.attributes).toMatchObject([{ value: 'gold' }]);
  });

  it.each([[{ tagNames: ['news'], userIds: ['u'] }], [{ tagNames: [] }], [{ attributes: { tier: { in: ['x'] } } }]])(
    '%j is not',
    (target) => {
      expect(audienceOf(target)).toBeNull();
    },
  );
});
