import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('each test that docs/security.md names exists', () => {
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const named = [...text.matchAll(/`((?:src|test)\/[^`]+\.spec\.ts)`/g)].map(([, path]) => path ?? '');
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
});
