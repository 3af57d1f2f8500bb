import { posix } from 'node:path';

/** Pure rules of the prose in code and documents; scripts/words.ts applies them to the repository. */

/** Sentences that begin so are hard to read without their context: a noun is better. */
export const WORDS = ['who', 'whom', 'whose', 'it', 'he', 'nobody', 'others', 'one that', 'what'] as const;
export type Word = (typeof WORDS)[number];
export type Counts = Readonly<Record<Word, number>>;

export const WIDTH = 120;

const COMMENT = /^\s*(?:\/\/|\/\*\*?|\*(?!\/))(.*?)(?:\*\/)?$/;
const COMMENT_BEHIND_CODE = /[;,{}()[\]]\s+(?:\/\/|\/\*\*?)\s(.*?)(?:\*\/)?$/;

/** The comments of a TypeScript source; lines of one block are joined. */
export function commentsOf(source: string): string[] {
  const blocks: string[] = [];
  let open = false;
  for (const line of source.split('\n')) {
    const own = COMMENT.exec(line)?.[1]?.trim();
    if (own === undefined) {
      const behind = COMMENT_BEHIND_CODE.exec(line)?.[1]?.trim();
      if (behind) blocks.push(behind);
      open = false;
      continue;
    }
    const starts = !open || own === '' || /^[@-]/.test(own) || /^\s*\/\*/.test(line);
    if (starts) blocks.push(own);
    else blocks.push(`${blocks.pop() ?? ''} ${own}`);
    open = !/\*\/\s*$/.test(line);
  }
  return blocks.filter((text) => text !== '');
}

const TITLE = /\b(?:it|test|describe)(?:\.\w+)*(?:(?:\.\w+)\([\s\S]*?\))??\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;

/** The titles of describe, it and test. */
export function titlesOf(source: string): string[] {
  return [...source.matchAll(TITLE)].map(([, , title = '']) => title);
}

/** The paragraphs, headings and list items of a Markdown document, without code blocks and tables. */
export function paragraphsOf(document: string): string[] {
  const blocks: string[] = [];
  let fenced = false;
  let open = false;
  for (const line of document.split('\n')) {
    if (/^\s*(?:```|~~~)/.test(line)) fenced = !fenced;
    const text = line.trim();
    const prose: boolean =
      !fenced && text !== '' && !/^(?:\||```|~~~|<!--)/.test(text) && (open || !/^ {4}/.test(line));
    if (prose && open && !/^(?:[-*#>]|\d+\.)\s/.test(text)) blocks.push(`${blocks.pop() ?? ''} ${text}`);
    else if (prose) blocks.push(text);
    open = prose && !text.startsWith('#');
  }
  return blocks;
}

/** The summaries and descriptions of an OpenAPI document. */
export function descriptionsOf(document: unknown): string[] {
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'string' && /^(?:summary|description)$/.test(name) ? [value] : descriptionsOf(value),
  );
}

/** How many sentences and clauses of the texts begin with each word. */
export function countWords(texts: readonly string[]): Counts {
  const starts = texts.flatMap((text) => text.split(/(?<=[.!?:;])\s+/)).map((part) => part.replace(/^[^\p{L}]+/u, ''));
  const count = (word: Word) =>
    starts.filter((start) => new RegExp(`^${word}\\b(?!['’]s own)`, 'i').test(start)).length;
  return Object.fromEntries(WORDS.map((word) => [word, count(word)])) as Record<Word, number>;
}

/** The comment lines over 120 columns, by number from 1; a line with an address cannot be broken. */
export function wideComments(source: string): number[] {
  return source.split('\n').flatMap((line, index) => {
    const comment = COMMENT.test(line) || COMMENT_BEHIND_CODE.test(line);
    return comment && line.length > WIDTH && !/https?:\/\/\S{40}/.test(line) ? [index + 1] : [];
  });
}

const REFERENCE = /((?:[\w.-]+\/)*[\w-]+\.md)(?:#([\w-]+)|((?:,?\s+(?:and\s+)?§\s?\d+(?:\.\d+)*)+))?/g;
const ELSEWHERE = /https?:\/\/\S+/g;

/** The references of a text to documents and sections that do not exist. `documents`: the text of each by its path. */
export function danglingReferences(path: string, text: string, documents: ReadonlyMap<string, string>): string[] {
  const joined = text.replace(ELSEWHERE, '').replace(/\n[ \t]*(?:\*|\/\/)?[ \t]*/g, ' ');
  const dangling = [...joined.matchAll(REFERENCE)].flatMap(([whole, name = '', anchor, sections = '']) => {
    const target = documents.get(posix.join(posix.dirname(path), name)) ?? documents.get(name);
    if (target === undefined) return [whole];
    const headings = headingsOf(target);
    if (anchor !== undefined && !headings.some((heading) => slugOf(heading) === anchor)) return [whole];
    const missing = [...sections.matchAll(/\d+(?:\.\d+)*/g)].filter(
      ([number]) => !headings.some((heading) => heading.replace(/^§\s?/, '').replace(/^([\d.]*\d).*/, '$1') === number),
    );
    return missing.map(([number]) => `${name} §${number}`);
  });
  const within = path.endsWith('.md') ? [...joined.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor) : [];
  const own = headingsOf(text).map(slugOf);
  const design = [...joined.matchAll(/\bdesign(?:\.md)?,? §\s?[\d.]*/g)].map(([whole]) => whole);
  return [...dangling, ...within.filter((anchor) => !own.includes(anchor)).map((anchor) => `#${anchor}`), ...design];
}

function headingsOf(document: string): string[] {
  return [...document.matchAll(/^#+\s+(.*)$/gm)].map(([, heading = '']) => heading);
}

/** The anchor that GitHub makes of a heading. */
function slugOf(heading: string): string {
  const text = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
  return text.trim().replace(/\s/g, '-');
}

/** The source files that a public text names. */
export function sourceFilesNamed(text: string): string[] {
  return [...text.matchAll(/[\w./-]*\w\.(?:ts|mjs)\b/g)].map(([name]) => name);
}

/** Whether a commit's subject has the form `area: imperative` and at most 72 characters. */
export function isSubject(subject: string): boolean {
  return subject.length <= 72 && /^[a-z0-9][\w ,./-]*: \S/.test(subject);
}
