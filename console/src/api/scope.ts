/** The scope language of the API: `*` in a granted element matches any characters. Display only; the API decides. */
export function coversAll(granted: readonly string[], required: readonly string[]): boolean {
  return required.every((element) => granted.some((pattern) => covers(pattern, element)));
}

function covers(pattern: string, element: string): boolean {
  const pieces = pattern.split(/\*+/).map((piece) => piece.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${pieces.join('.*')}$`).test(element);
}
