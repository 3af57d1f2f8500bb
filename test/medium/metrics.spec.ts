import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { findBinary } from '../harness/programs.js';

/** The alerts under deploy/prometheus. */

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const rules = read('deploy/prometheus/rules.yml');
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);

it.skipIf(findBinary('promtool') === null)('promtool accepts the rules, and each fires by its series', () => {
  const folder = new URL('../../deploy/prometheus/', import.meta.url);
  for (const words of [
    ['check', 'rules', 'rules.yml'],
    ['test', 'rules', 'rules.test.yml'],
  ])
    expect(execFileSync('promtool', words, { cwd: folder, encoding: 'utf8' })).toContain('SUCCESS');
});

it('each alert has a test that fires it, and its heading in the guide', () => {
  const tests = read('deploy/prometheus/rules.test.yml');
  const guide = read('docs/operations.md');
  expect(alerts.length).toBeGreaterThan(10);
  for (const alert of alerts) {
    const fires = new RegExp(`alertname: ${alert}\\n\\s+(#.*\\n\\s+)?exp_alerts:(?! \\[\\])`);
    expect([alert, fires.test(tests)]).toEqual([alert, true]);
    expect(guide).toContain(`\n#### ${alert}\n`);
    expect(rules).toContain(`runbook: docs/operations.md#${alert.toLowerCase()}\n`);
  }
});
