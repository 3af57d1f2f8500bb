import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Adds to `dist/client`, where the build of the program has put the client as ES modules, its types, and below `cjs`
 * the client as CommonJS with its types.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TYPES = 'src/client/schema.d.ts';
const COMMONJS = ['--module', 'commonjs', '--moduleResolution', 'bundler', '--verbatimModuleSyntax', 'false'];

process.chdir(ROOT);
mkdirSync('dist/client/cjs', { recursive: true });
compile('--emitDeclarationOnly', '--outDir', 'dist/client');
compile(...COMMONJS, '--outDir', 'dist/client/cjs');
for (const folder of ['dist/client', 'dist/client/cjs']) cpSync(TYPES, `${folder}/schema.d.ts`);
writeFileSync('dist/client/cjs/package.json', '{ "type": "commonjs" }\n');

function compile(...flags) {
  const { status } = spawnSync('npx', ['tsc', '-p', 'tsconfig.client.json', ...flags], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
