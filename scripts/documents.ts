import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import prettier from 'prettier';
import { startCarillon } from '../test/harness/carillon.js';
import { fieldsDocument } from '../test/medium/fields/document.js';
import { withSettingsTable } from './settings-table.js';

/** Writes what is generated and committed: the README's table of settings, docs/fields.md and docs/openapi.json. */

const README = new URL('../README.md', import.meta.url);
const FIELDS = new URL('../docs/fields.md', import.meta.url);
const OPENAPI = new URL('../docs/openapi.json', import.meta.url);

const table = withSettingsTable(readFileSync(README, 'utf8'));
writeFileSync(
  README,
  await prettier.format(table, { parser: 'markdown', proseWrap: 'always', printWidth: 120, singleQuote: true }),
);
writeFileSync(FIELDS, await fieldsDocument());

const folder = mkdtempSync(join(tmpdir(), 'carillon-documents-'));
const carillon = await startCarillon({ DATA_DIR: folder });
try {
  const document: unknown = await (await fetch(`${carillon.url}/imfpush/v1/swagger.json`)).json();
  writeFileSync(OPENAPI, `${JSON.stringify(document, null, 2)}\n`);
} finally {
  await carillon.stop();
  rmSync(folder, { recursive: true, force: true });
}
