import { describe, expect, it } from 'vitest';
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
  WORDS,
} from '../../scripts/prose.js';

describe('words that begin a sentence', () => {
  it.each(WORDS)('counts "%s" at the start of a text, of a sentence and of a clause, in either case', (word) => {
    const text = `${word} is first. **${word.toUpperCase()}** is second; ${word} is third, ${word} is inside.`;
    expect(countWords([text])[word]).toBe(3);
  });

  it('does not count a longer word', () => {
    expect(countWords(['Items of a list. Whatever. Itself. Heavy. Whole.'])).toEqual(
      Object.fromEntries(WORDS.map((word) => [word, 0])),
    );
  });

  it('reads comments of every form and joins the lines of one', () => {
    const source = [
      '/** What is',
      ' * whole. */',
      'const a = 1; // Who is behind code',
      '// Nobody',
      '// alone',
      'const url = "https://example.com"',
    ].join('\n');
    expect(commentsOf(source)).toEqual(['What is whole.', 'Who is behind code', 'Nobody alone']);
  });

  it('reads the titles of describe, it, test and their tables', () => {
    const source = `describe('a', () => { it("b", f); test.each([[1, '2']])('c %s', f); it.skipIf(x)(\`d\`, f); });`;
    expect(titlesOf(source)).toEqual(['a', 'b', 'c %s', 'd']);
  });

  it('reads the prose of a document without its code and tables', () => {
    const document = '# Head\n\nOne\ntwo.\n\n- Three\n  four\n- Five\n\n| Who |\n\n```\nWhat\n```\n\n    it\n';
    expect(paragraphsOf(document)).toEqual(['# Head', 'One two.', '- Three four', '- Five']);
  });

  it('reads the summaries and descriptions of an OpenAPI document', () => {
    expect(descriptionsOf({ a: [{ summary: 'One' }], description: 'Two', example: 'Three' })).toEqual(['One', 'Two']);
  });
});

it('finds comments over 120 columns, but not long code or a long address', () => {
  const words = 'word '.repeat(30);
  const lines = [
    `// ${words}`,
    `const a = '${words}';`,
    `a(); // ${words}`,
    `// https://example.com/${'a'.repeat(120)}`,
  ];
  expect(wideComments(lines.join('\n'))).toEqual([1, 3]);
});

describe('references to documents', () => {
  const documents = new Map([
    ['docs/here.md', '# Here\n\n## 9.6 Errors and codes\n\n## `a` & b\n'],
    ['README.md', '# Carillon\n'],
  ]);
  it.each([
    ['src/a.ts', '// docs/here.md §9.6'],
    ['src/a.ts', '/**\n * See docs/here.md\n * §9.6.\n */'],
    ['docs/other.md', '[a](here.md#a--b) and [b](../README.md)'],
    ['docs/other.md', '# One\n\n[a](#one)'],
    ['src/a.ts', '// https://example.com/gone.md and RFC 8030 §5'],
  ])('resolves those of %s: %s', (path, text) => {
    expect(danglingReferences(path, text, documents)).toEqual([]);
  });

  it.each([
    ['src/a.ts', '// gone.md §1', 'gone.md §1'],
    ['src/a.ts', '// docs/here.md §9.6, §9.7', 'docs/here.md §9.7'],
    ['src/a.ts', '/**\n * docs/here.md\n * §9\n */', 'docs/here.md §9'],
    ['docs/other.md', '[a](here.md#gone)', 'here.md#gone'],
    ['docs/other.md', '# One\n\n[a](#two)', '#two'],
    ['src/a.ts', '// design §5.5', 'design §5.5'],
  ])('finds the reference without a target in %s: %s', (path, text, dangling) => {
    expect(danglingReferences(path, text, documents)).toEqual([dangling]);
  });
});

it('finds source files that a public text names', () => {
  expect(sourceFilesNamed('See src/a/b.dto.ts and walls.mjs; tests, docs/fields.md')).toEqual([
    'src/a/b.dto.ts',
    'walls.mjs',
  ]);
});

it.each([
  ['devices: move the conflict rules to registration.ts', true],
  ['Writing together or each alone is one function', false],
  [`devices: ${'a'.repeat(63)}`, true],
  [`devices: ${'a'.repeat(64)}`, false],
])('tells whether "%s" is the subject of a commit: %s', (subject, expected) => {
  expect(isSubject(subject)).toBe(expected);
});
