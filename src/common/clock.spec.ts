import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('..', import.meta.url));

// Lint knows Date.now() (.oxlintrc.json); of a constructor without arguments it has no rule.
it('no file but clock.ts asks for the host’s time', () => {
  const asking = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      file.endsWith('.ts') &&
      !file.endsWith('.spec.ts') &&
      /\bDate\.now\b|\bnew Date\(\s*\)|\bnew Date\b(?!\()|\bDate\(\)/.test(readFileSync(`${SRC}/${file}`, 'utf8')),
  );
  expect(asking).toEqual(['common/clock.ts']);
});
