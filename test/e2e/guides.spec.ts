import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { EMBEDDED } from './stages.js';

/** The commands of the guides for callers, run by a shell one after the other against a new server. */

const program = runProgram(EMBEDDED, { environment: () => ({ WEBHOOK_ALLOW_PRIVATE: 'true' }) });
const COMMAND = /^(?:[A-Z]+=|alias |call |curl |timeout |carillon |sleep |post |get )/;
const SCRIPT = 'set -eo pipefail';

/** The output of the indented blocks of a document that are commands, from a heading on. */
function run(document: string, from = ''): string {
  const guide = readFileSync(document, 'utf8');
  const blocks = [...guide.slice(guide.indexOf(from)).matchAll(/(?:^ {4}.*\n)+/gm)]
    .map(([block]) => block.replaceAll(/^ {4}/gm, ''))
    .filter((block) => COMMAND.test(block));
  expect(blocks.length).toBeGreaterThan(0);
  const folder = mkdtempSync(join(tmpdir(), 'carillon-guide-'));
  const { PATH } = process.env;
  const lines = blocks
    .join('')
    .replaceAll('http://localhost:9080', program.carillon.url)
    // The end of a stream that is stopped.
    .replaceAll(/^(timeout .*(?:\n +.*)*?) \|/gm, '{ $1 || [ $? -eq 124 ]; } |')
    .replaceAll('$PWD/dist', resolve('dist'));
  try {
    const shell = spawnSync('bash', ['-c', `shopt -s expand_aliases\n${SCRIPT}\n${lines}`], {
      cwd: folder,
      env: { PATH, HOME: folder },
      encoding: 'utf8',
    });
    expect([shell.status, shell.stderr.replaceAll(/^(?:message \w+|\[|\d).*\n/gm, '')]).toEqual([0, '']);
    return shell.stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each answer of a guide is in its output. */
it.each([
  ['README.md', '## The first push', [/^ {2}"state": "(?:accepted|sending|finished)"/m, /^message +state +audience/m]],
  [
    'docs/events.md',
    '',
    [/"type": "message.finished"/, /^\["delivery.accepted","\w+-\w+"\]$/m, /"eventTypes": "message.accepted,/],
  ],
  [
    'docs/receipts.md',
    '',
    [
      /\{"displayed":2,"opened":1,"dismissed":0,"actions":\{"reply":1\}\}$/m,
      /^"de"$/m,
      /^CARIL0401E$/m,
      /\["https:\/\/shop.example.com"\]$/m,
    ],
  ],
] as const)('the commands of %s run, and show what they say', (document, from, shows) => {
  const output = run(document, from);
  for (const line of shows) expect(output).toMatch(line);
});
