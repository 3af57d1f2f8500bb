import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import {
  commentsOf,
  countWords,
  danglingReferences,
  descriptionsOf,
  isSubject,
  paragraphsOf,
  sourceFilesNamed,
  titlesOf,
  wideComments,
  WIDTH,
  WORDS,
  type Word,
} from './prose.js';

/**
 * Holds the prose of the repository: words that begin a sentence, widths of comments, references to documents, public
 * texts and the subjects of commits. Prettier wraps the documents themselves.
 */

const KINDS = ['comments', 'titles', 'documents', 'api'] as const;
type Kind = (typeof KINDS)[number];

/** How many sentences may begin with each word. Numbers only fall: lower them when the check says so. */
const BUDGET: Readonly<Record<Kind, Readonly<Record<Word, number>>>> = {
  comments: { who: 0, whom: 0, whose: 0, it: 29, he: 0, nobody: 1, others: 0, 'one that': 0, what: 4 },
  titles: { who: 0, whom: 0, whose: 1, it: 1, he: 0, nobody: 0, others: 0, 'one that': 1, what: 2 },
  documents: { who: 1, whom: 0, whose: 0, it: 16, he: 0, nobody: 0, others: 1, 'one that': 0, what: 15 },
  api: { who: 0, whom: 0, whose: 0, it: 0, he: 0, nobody: 0, others: 0, 'one that': 0, what: 0 },
};

/** A count that is this far below its budget lowers the budget. */
const SLACK = 5;

/** The test of these rules plants faults. */
const PLANTED = 'test/medium/words.spec.ts';

process.chdir(new URL('..', import.meta.url).pathname);

const paths = git(
  'ls-files',
  '--cached',
  '--others',
  '--exclude-standard',
  '*.ts',
  '*.tsx',
  '*.mjs',
  '*.md',
  '.env.example',
);
const files = new Map(
  paths.filter((path) => path !== PLANTED && existsSync(path)).map((path) => [path, readFileSync(path, 'utf8')]),
);
const documents = new Map([...files].filter(([path]) => path.endsWith('.md')));
const code = [...files].filter(([path]) => /\.(?:tsx?|mjs)$/.test(path));
const api: unknown = JSON.parse(readFileSync('docs/openapi.json', 'utf8'));

const texts: Readonly<Record<Kind, string[]>> = {
  comments: code.flatMap(([, text]) => commentsOf(text)),
  titles: code.filter(([path]) => path.endsWith('.spec.ts')).flatMap(([, text]) => titlesOf(text)),
  documents: [...documents.values()].flatMap(paragraphsOf),
  api: descriptionsOf(api),
};

const faults = [
  ...KINDS.flatMap(budgetFaults),
  ...code.flatMap(([path, text]) => wideComments(text).map((line) => `${path}:${line}: comment over ${WIDTH} columns`)),
  ...[...files].flatMap(([path, text]) =>
    danglingReferences(path, text, documents).map((reference) => `${path}: ${reference} does not exist`),
  ),
  ...['docs/openapi.json', 'docs/fields.md'].flatMap((path) =>
    sourceFilesNamed(readFileSync(path, 'utf8')).map((name) => `${path}: public text names the source file ${name}`),
  ),
  ...newSubjects()
    .filter((subject) => !isSubject(subject))
    .map((subject) => `commit subject is not "area: imperative" of at most 72 characters: ${subject}`),
];
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;

function budgetFaults(kind: Kind): string[] {
  const counts = countWords(texts[kind]);
  return WORDS.flatMap((word) => {
    const [count, budget] = [counts[word], BUDGET[kind][word]];
    if (count > budget) return [`${kind}: ${count} sentences begin with "${word}", ${budget} are allowed`];
    if (count < budget - SLACK) return [`${kind}: lower the budget of "${word}" from ${budget} to ${count}`];
    return [];
  });
}

/** The subjects of the commits that origin/main does not have, or of the last commit; none without a repository. */
function newSubjects(): string[] {
  const log = (...range: string[]) => git('log', '--no-merges', '--format=%s', ...range);
  try {
    const ahead = log('origin/main..HEAD');
    return ahead.length > 0 ? ahead : log('-1');
  } catch {
    return [];
  }
}

function git(...args: string[]): string[] {
  const output = execFileSync('git', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  return output.split('\n').filter((line) => line !== '');
}
