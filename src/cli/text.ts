/** Text from outside on a terminal. */

/** Control characters and marks of direction would move the cursor, set the clipboard or turn the line around. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}])|\ufe0f/u;
const LETTERS = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** With its unsafe characters as \x1b or \u202e. */
export function safe(text: string): string {
  return text.replaceAll(UNSAFE, (letter) => {
    const code = letter.codePointAt(0)!;
    return code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

/** Columns of a terminal: two for a letter of Chinese or an emoji, none for a mark above a letter. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of LETTERS.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Cut to `columns`, or filled up with spaces. */
function fit(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text + ' '.repeat(columns - widthOf(text));
  let kept = '';
  for (const { segment } of LETTERS.segment(text)) {
    if (widthOf(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return fit(`${kept}…`, columns);
}

const WIDEST = 50;

/** Lines of a table with a head. */
export function toTable(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  const names = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => names.map((name) => safe(toText(row[name]))));
  const widths = names.map((name, n) =>
    Math.min(WIDEST, Math.max(widthOf(name), ...cells.map((row) => widthOf(row[n]!)))),
  );
  return [names, ...cells].map((row) =>
    row
      .map((cell, n) => fit(cell, widths[n]!))
      .join('  ')
      .trimEnd(),
  );
}

function toText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
