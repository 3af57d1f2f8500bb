import { readFileSync } from 'node:fs';
import prettier from 'prettier';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withSettingsTable } from '../../scripts/settings-table.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { EMBEDDED } from './stages.js';

/** Generated documents are committed and must be up to date: npm run documents. */

let carillon: RunningCarillon;
let clean: () => void;

beforeAll(async () => {
  const prepared = await EMBEDDED.prepare();
  clean = prepared.clean;
  carillon = await startCarillon(prepared.environment);
});

afterAll(async () => {
  await carillon.stop();
  clean();
});

it('the README’s settings are those of config.ts', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const fresh = await prettier.format(withSettingsTable(readme), {
    parser: 'markdown',
    printWidth: 120,
    singleQuote: true,
  });
  expect(readme).toBe(fresh);
});

it('docs/openapi.json is what the program serves', async () => {
  const response = await fetch(`${carillon.url}/imfpush/v1/swagger.json`);
  expect(response.status).toBe(200);
  const committed: unknown = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
  expect(await response.json()).toEqual(committed);
});

it('a page to try the API is at /doc/', async () => {
  const response = await fetch(`${carillon.url}/doc/`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/html');
  const script = await fetch(`${carillon.url}/doc/swagger-ui-bundle.js`);
  expect(script.status).toBe(200);
});

it('health answers live and ready', async () => {
  const live = await fetch(`${carillon.url}/health/live`);
  expect(await live.json()).toEqual({ status: 'live' });
  const ready = await fetch(`${carillon.url}/health/ready`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ status: 'ready', database: 'up', queue: 'up' });
});
