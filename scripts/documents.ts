import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCarillon } from '../test/harness/carillon.js';
import { fieldsDocument } from '../test/medium/fields/document.js';
import { withErrorCodes } from './error-codes.js';
import { settingsDocument } from './settings-document.js';
import { effectsFile } from './step-effects.js';

/** Writes the documents and the file of effects that are generated and committed. */

const SETTINGS = new URL('../docs/settings.md', import.meta.url);
const FIELDS = new URL('../docs/fields.md', import.meta.url);
const TROUBLESHOOTING = new URL('../docs/troubleshooting.md', import.meta.url);
const EFFECTS = new URL('../src/database/migrations/effects.ts', import.meta.url);
const OPENAPI = new URL('../docs/openapi.json', import.meta.url);

writeFileSync(SETTINGS, await settingsDocument());
writeFileSync(TROUBLESHOOTING, await withErrorCodes(readFileSync(TROUBLESHOOTING, 'utf8')));
writeFileSync(FIELDS, await fieldsDocument());
writeFileSync(EFFECTS, await effectsFile());

const folder = mkdtempSync(join(tmpdir(), 'carillon-documents-'));
const carillon = await startCarillon({ DATA_DIR: folder });
try {
  const document: unknown = await (await fetch(`${carillon.url}/imfpush/v1/swagger.json`)).json();
  writeFileSync(OPENAPI, `${JSON.stringify(document, null, 2)}\n`);
} finally {
  await carillon.stop();
  rmSync(folder, { recursive: true, force: true });
}
