import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { expect, it } from 'vitest';
import { withErrorCodes } from '../../scripts/error-codes.js';
import { settingsDocument } from '../../scripts/settings-document.js';
import { DEAD_BY_MORNING, DISABLED, IN_QUIET_HOURS, OVERTAKEN, UNDER_WAY } from '../../src/campaigns/reason.js';
import { UNSEEN } from '../../src/devices/device.repository.js';
import { UNREADABLE } from '../../src/providers/shared/front-end.js';
import { SETTINGS } from '../../src/settings.js';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** All documents except CHANGELOG.md and docs/decisions.md, which may name files and settings of their time. */
const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(new URL('docs', ROOT))
    .filter((name) => name.endsWith('.md') && !name.startsWith('decisions'))
    .map((name) => `docs/${name}`),
];

/** Node's variables, platforms of browsers, words of providers, a constant. */
const NO_SETTINGS = /^(NODE_EXTRA|NODE_OPTIONS|WEB_CHROME|WEB_FIREFOX|WEB_SAFARI|QUOTA_EXCEEDED|PROVIDER_NAMES)/;

it('docs/settings.md is generated from the list of settings', async () => {
  expect(read('docs/settings.md')).toBe(await settingsDocument());
});

it('docs/troubleshooting.md has the generated table of error codes', async () => {
  const text = read('docs/troubleshooting.md');
  expect(text).toBe(await withErrorCodes(text));
});

it.each([DISABLED, OVERTAKEN, UNDER_WAY, DEAD_BY_MORNING, IN_QUIET_HOURS, UNSEEN, UNREADABLE])(
  'docs/troubleshooting.md explains the reason "%s"',
  (reason) => {
    expect(read('docs/troubleshooting.md')).toContain(`| \`${reason}\``);
  },
);

it('docs/security.md names a test for each threat', () => {
  const tables = read('docs/security.md')
    .split(/^\| threat .*\n.*\n/m)
    .slice(1);
  const threats = tables.flatMap((table) => /^(\|.*\n)+/.exec(table)![0].trim().split('\n'));
  expect(threats.length).toBeGreaterThan(30);
  const test = /^`(src|test)\/[\w./-]+\.spec\.ts`$/;
  const isShown = (row: string): boolean =>
    row
      .split('|')
      .at(-2)!
      .split(',')
      .every((each) => test.test(each.trim()));
  expect(threats.filter((row) => !isShown(row))).toEqual([]);
});

it.each([...DOCUMENTS, '.env.example', 'docker-compose.yml'])(
  'an example of TRUST_PROXY in %s is one address, because every address of a network could name any caller',
  (document) => {
    const given = [...read(document).matchAll(/TRUST_PROXY[=:] ?([\d.:/a-f]+)/g)].map(([, value]) => value ?? '');
    expect(given.filter((value) => isIP(value) === 0)).toEqual([]);
  },
);

it('docs/decisions.md lists the title of each decision, under its subject', () => {
  const [list = '', ...subjects] = read('docs/decisions.md').split(/^(?=## )/m);
  const titles = subjects.flatMap((subject) => [...subject.matchAll(/^### (.+)$/gm)].map(([, title]) => title ?? ''));
  expect(titles.filter((title) => !/^\d{4}-\d\d-\d\d: /.test(title))).toEqual([]);
  expect(subjects.filter((subject) => /^## \d/.test(subject)).map((subject) => subject.split('\n')[0])).toEqual([]);
  const links = [...list.replace(/\s+/g, ' ').matchAll(/\[([^\]]+)\]\(#\d/g)].map(([, topic]) => topic);
  expect(links).toEqual(titles.map((title) => title.slice('2026-11-29: '.length)));
});

it('docs/events.md verifies a webhook as the programs do that `npm run clients` runs', () => {
  const guide = read('docs/events.md');
  for (const [name, first] of [
    ['verify.mjs', 'import { Webhook }'],
    ['verify.py', 'from standardwebhooks'],
    ['verify.go', 'webhook, err :='],
  ] as const) {
    const [, block = ''] = new RegExp(`^((?: {4}${first}.*\\n)(?: {4}.*\\n)*)`, 'm').exec(guide) ?? [];
    const lines = block
      .replaceAll(/\/\/.*|,$/gm, '')
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
    expect(lines.length).toBe(2);
    for (const line of lines) expect(read(`test/clients/verify/${name}`)).toContain(line);
  }
});

it.each(DOCUMENTS)('each file, script and setting that %s names exists', (document) => {
  const text = read(document);
  const files = [...text.matchAll(/`((?:src|test|bench|scripts|docs)\/[\w./-]+|\.ci\/\w+)`/g)].map(
    ([, path]) => path ?? '',
  );
  expect(files.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([]);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const called = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name ?? '');
  expect(called.filter((name) => !(name in scripts))).toEqual([]);
  const known = SETTINGS.flatMap(({ name, isSecret }) => (isSecret ? [name, `${name}_FILE`] : [name]));
  const families = new Set(known.map((name) => name.split('_')[0]));
  const names = [...text.matchAll(/`([A-Z0-9]+(?:_[A-Z0-9]+)+)`/g)].map(([, name]) => name ?? '');
  const alike = names.filter((name) => families.has(name.split('_')[0]) && !NO_SETTINGS.test(name));
  expect(alike.filter((name) => !known.includes(name))).toEqual([]);
});
