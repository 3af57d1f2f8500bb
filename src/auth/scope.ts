/**
 * Pure rules of the scope language (docs/protocol/mobilefirst.md §3). A scope is a list of elements separated by
 * spaces; in an allowed or granted element `*` matches any sequence of characters, so `*` and `**` cover everything.
 */

/** The scope of a token request without a scope. */
export const DEFAULT_SCOPE = 'RegisteredClient';

/** RFC 6749 §3.3: printable ASCII without space, `"` and `\`. */
const ELEMENT = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
export const MAX_SCOPE = 2_048;
/** Every element may be compared with every other: 128 × 128 comparisons take about 2 ms. */
const MAX_ELEMENTS = 128;

/**
 * The elements in order; null if the text is empty, too long, has too many elements, or characters outside RFC 6749.
 */
export function parseScope(text: string): string[] | null {
  if (text.length > MAX_SCOPE) return null;
  const elements = text.split(' ').filter((element) => element !== '');
  if (elements.length === 0 || elements.length > MAX_ELEMENTS) return null;
  return elements.every((element) => ELEMENT.test(element)) ? elements : null;
}

/** True if every required element is covered by one of the granted patterns. */
export function covers(granted: readonly string[], required: readonly string[]): boolean {
  return required.every((element) => granted.some((pattern) => matches(pattern, element)));
}

/**
 * Leftmost matching of the pieces between the stars: each piece is searched once, so that `***…*a` costs at most
 * pattern × element characters, for any number of stars.
 */
export function matches(pattern: string, element: string): boolean {
  const pieces = pattern.split('*');
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (pieces.length === 1) return pattern === element;
  if (element.length < first.length + last.length || !element.startsWith(first) || !element.endsWith(last))
    return false;
  let at = first.length;
  const end = element.length - last.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = element.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
