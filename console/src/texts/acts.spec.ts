import { describe, expect, it } from 'vitest';
import guide from '../../../docs/operations.md?raw';
import { ACTS } from '../../../src/audit/acts';
import { de } from './de';
import { en } from './en';

/** The actions of the guide: `.update` stands for the object of the action before. */
function documentedActs(): string[] {
  const [, table = ''] = /^\| `action` .*?\n((?:\|.*\n)+)/m.exec(guide) ?? [];
  let object = '';
  return table.split('\n').flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([a-z_.]+)`/g)].map(([, name = '']) => {
      if (name.startsWith('.')) return object + name;
      [object = ''] = name.split('.');
      return name;
    }),
  );
}

describe('the acts of the audit', () => {
  const documented = documentedActs();

  it('are all in the guide', () => {
    const acts = Object.values(ACTS).map(({ action }) => action);
    expect([...new Set(acts)].filter((act) => !documented.includes(act))).toEqual([]);
  });

  it.each([
    ['English', en],
    ['German', de],
  ])('%s: have words', (_name, { administration }) => {
    const { objects, verbs } = administration.act;
    const known = new Set([...Object.keys(objects), ...Object.keys(verbs)]);
    expect(documented.flatMap((act) => act.split('.')).filter((part) => !known.has(part))).toEqual([]);
  });
});
