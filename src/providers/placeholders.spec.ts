import { describe, expect, it } from 'vitest';
import type { Notification } from './notification.js';
import { fillNotification, findPlaceholders, isPlaceholderName, missingValue } from './placeholders.js';

const fill = (alert: string, values: Record<string, string> = {}): string => fillNotification({ alert }, values).alert;

describe('fillNotification', () => {
  it.each<[string, string, Record<string, string>, string]>([
    ['a name', 'Hello {{name}}!', { name: 'Ann' }, 'Hello Ann!'],
    ['a name with spaces around it', '{{ name }}{{\tname\n}}', { name: 'Ann' }, 'AnnAnn'],
    ['a default without a value', 'Hello {{name|there}}', {}, 'Hello there'],
    ['an empty default', 'Hello{{name|}}.', {}, 'Hello.'],
    ['a value instead of the default', '{{name|there}}', { name: '' }, ''],
    ['nothing without value and default', '[{{name}}]', {}, '[]'],
    ['names of any script', '{{имя}} {{_a.b-c1}}', { имя: 'Аня', '_a.b-c1': 'x' }, 'Аня x'],
    ['a value that looks like a placeholder', '{{a}}', { a: '{{b}}', b: 'no' }, '{{b}}'],
    ['a value with a pattern of replace()', '{{a}}', { a: "$& $1 $'" }, "$& $1 $'"],
    ['two braces that are not a placeholder', String.raw`\{{name}} {{name}}`, { name: 'Ann' }, '{{name}} Ann'],
    [
      'text that is not a placeholder',
      '{{}} {{ }} {{1a}} {{a b}} {name} {{a|{b}}} {{',
      { a: 'x' },
      '{{}} {{ }} {{1a}} {{a b}} {name} {{a|{b}}} {{',
    ],
    ["names of JavaScript's object members", '{{constructor}}{{toString|x}}{{__proto__|y}}', {}, 'xy'],
  ])('fills in %s', (_what, alert, values, filled) => {
    expect(fill(alert, values)).toBe(filled);
  });

  it('fills in every text except keys, enumerated words and ids', () => {
    const text = '{{x}}';
    const notification: Notification = {
      messageId: text,
      collapseId: text,
      expiresAt: 0,
      alert: text,
      url: text,
      apns: {
        title: text,
        locArgs: [text],
        badge: 1,
        apnsCollapseId: text,
        payload: { [text]: { deep: [text, 1, null] } },
      },
      gcm: {
        androidTitle: text,
        collapseKey: text,
        priority: text,
        lights: { ledArgb: text },
        payload: { type: text, tag: text },
      },
      wns: {
        toast: { launch: text, visual: { binding: { template: text, text: [{ content: text }] } } },
        tile: { tag: text },
      },
      chromeWeb: { title: text, iconUrl: text, payload: text },
      safariWeb: { urlArgs: [text] },
    };
    expect(fillNotification(notification, { x: 'V' })).toEqual({
      messageId: text,
      collapseId: text,
      expiresAt: 0,
      alert: 'V',
      url: 'V',
      apns: {
        title: 'V',
        locArgs: ['V'],
        badge: 1,
        apnsCollapseId: text,
        payload: { [text]: { deep: ['V', 1, null] } },
      },
      gcm: {
        androidTitle: 'V',
        collapseKey: text,
        priority: text,
        lights: { ledArgb: text },
        payload: { type: 'V', tag: 'V' },
      },
      wns: {
        toast: { launch: 'V', visual: { binding: { template: text, text: [{ content: 'V' }] } } },
        tile: { tag: text },
      },
      chromeWeb: { title: 'V', iconUrl: 'V', payload: 'V' },
      safariWeb: { urlArgs: ['V'] },
    });
  });

  it('takes linear time for an adversarial text', () => {
    const started = performance.now();
    for (const hostile of [
      '{{a|'.repeat(100_000),
      `{{${' '.repeat(400_000)}`,
      '{{a'.repeat(100_000),
      '\\{{'.repeat(100_000),
    ])
      fill(hostile, { a: 'x' });
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('findPlaceholders', () => {
  it('lists each name once and requires it if one place has no default', () => {
    expect(
      findPlaceholders({ alert: '{{a|x}} {{b}} {{c|}}', apns: { title: '{{a}}', payload: { k: ['{{d|1}}'] } } }),
    ).toEqual([
      { name: 'a', required: true },
      { name: 'b', required: true },
      { name: 'c', required: false },
      { name: 'd', required: false },
    ]);
  });

  it.each(['Hello', '{{', '{{}}', String.raw`\{{name}}`])('finds no placeholder in %s', (alert) => {
    expect(findPlaceholders({ alert })).toEqual([]);
  });
});

it('missingValue names the first placeholder without value and default', () => {
  const placeholders = findPlaceholders({ alert: '{{a|x}} {{b}} {{toString}}' });
  expect(missingValue(placeholders, {})).toBe('b');
  expect(missingValue(placeholders, { b: '' })).toBe('toString');
  expect(missingValue(placeholders, { b: '', toString: '' })).toBeUndefined();
});

it('isPlaceholderName', () => {
  expect(['a', '_', 'a.b-c_1', 'ü', 'x'.repeat(64)].every(isPlaceholderName)).toBe(true);
  expect(['', '1', 'a b', 'a|b', '-a', 'x'.repeat(65), 'a}'].some(isPlaceholderName)).toBe(false);
});
