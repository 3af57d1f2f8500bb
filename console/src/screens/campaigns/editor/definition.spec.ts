import { describe, expect, it } from 'vitest';
import { cronOf, patternOf } from './cron-pattern';
import { changesOf, contentOf, definitionOf, merge, setAt, withContent, withoutLanguage } from './definition';
import type { Definition } from './definition';

const base: Definition = {
  name: 'Sale',
  content: { message: { alert: 'Hello', url: 'https://x.test/' }, settings: { apns: { title: 'T' } } },
  languages: { de: { message: { alert: 'Hallo' } } },
  schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Berlin' },
  policies: { dailyCap: 3, overlap: 'skip' },
};
const german = { variant: null, language: 'de' };

describe('a definition', () => {
  it('has nothing of the state of its campaign', () => {
    const answer = { ...base, campaignId: 'c', state: 'draft', createdTime: '' };
    expect(definitionOf(answer)).toEqual(base);
  });

  it('loses an empty object with its last member, and keeps the order of members', () => {
    const one = setAt(base, ['policies', 'dailyCap'], undefined);
    expect(one.policies).toEqual({ overlap: 'skip' });
    expect(setAt(one, ['policies', 'overlap'], undefined)).not.toHaveProperty('policies');
    expect(Object.keys(setAt(base, ['name'], 'x'))).toEqual(Object.keys(base));
  });

  it('shows each part as the API puts it together', () => {
    expect(contentOf(base, german)).toEqual({ message: { alert: 'Hallo' }, settings: { apns: { title: 'T' } } });
  });

  it('writes only the changed member into a part', () => {
    const next = withContent(base, german, { ...contentOf(base, german), message: { alert: 'Servus' } });
    expect(next.languages).toEqual({ de: { message: { alert: 'Servus' } } });
    expect(next.content).toBe(base.content);
    expect(withContent(base, german, contentOf(base, german))).toBe(base);
  });

  it('loses a language with its texts in every variant', () => {
    const split = [{ name: 'A', share: 50, languages: { de: {}, fr: {} } }];
    expect(withoutLanguage({ ...base, split }, 'de')).toEqual({
      ...definitionOf({ ...base, languages: undefined }),
      split: [{ name: 'A', share: 50, languages: { fr: {} } }],
    });
  });
});

describe('two people who change one campaign', () => {
  const mine = setAt(setAt(base, ['content', 'message', 'alert'], 'Mine'), ['policies', 'dailyCap'], undefined);
  const theirs = setAt(setAt(base, ['name'], 'Theirs'), ['policies', 'overlap'], 'allow');

  it('keep the changes of both where they do not meet', () => {
    const changes = changesOf(base, mine, theirs);
    expect(changes.map(({ path }) => path.join('.'))).toEqual([
      'name',
      'content.message.alert',
      'policies.dailyCap',
      'policies.overlap',
    ]);
    expect(merge(theirs, changes, () => false)).toEqual({
      ...base,
      name: 'Theirs',
      content: { ...base.content, message: { alert: 'Mine', url: 'https://x.test/' } },
      policies: { overlap: 'allow' },
    });
  });

  it('choose where they do, and a schedule is chosen as a whole', () => {
    const one = setAt(base, ['schedule'], { at: ['2027-01-01T09:00'], timeZone: 'Europe/Berlin' });
    const other = setAt(base, ['schedule', 'timeZone'], 'UTC');
    const changes = changesOf(base, one, other);
    expect(changes).toMatchObject([{ path: ['schedule'], isConflict: true }]);
    expect(merge(other, changes, () => true)).toEqual(one);
    expect(merge(other, changes, () => false)).toEqual(other);
  });

  it('have no conflict if both made the same change', () => {
    expect(changesOf(base, theirs, theirs).some(({ isConflict }) => isConflict)).toBe(false);
  });
});

describe('a pattern of repeats', () => {
  it.each([
    ['0 9 * * *', 'daily'],
    ['45 23 L * *', 'lastDay'],
    ['0 0 15 * *', 'monthly'],
    ['30 2 * * MON,FRI', 'weekly'],
  ])('%s is %s, and writes the same expression', (cron, repeat) => {
    const pattern = patternOf(cron);
    expect(pattern?.repeat).toBe(repeat);
    expect(pattern && cronOf(pattern)).toBe(cron);
  });

  it.each(['*/5 * * * * *', '0 9 * * MON-FRI', '00 9 * * *', '0 9 1 * MON', '@daily', '0 9 * 3 *', '0 9 * * FRI,MON'])(
    '%s is of another form',
    (cron) => {
      expect(patternOf(cron)).toBeNull();
    },
  );
});
