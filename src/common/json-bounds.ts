import { ApiError } from './errors.js';

/**
 * Bounds of a JSON text, checked before parsing: the cost of parsing, walking and validating depends on the number of
 * values and not on the bytes. V8 takes 40 ms to parse one MiB of keys and 65 ms for one MiB of `{},`; each rule takes
 * as long again. Within these bounds the total is some 20 ms (Node 20 on two cores).
 */

/** Deeper than any documented body (WNS visuals have six levels); recursion over hostile JSON ends here. */
export const MAX_DEPTH = 32;
/** Members of one object: the values of a message name ten thousand users. */
const MAX_MEMBERS = 10_000;
/** Items of one list: a message names ten thousand ids, an imported device some thousand tags. */
const MAX_ITEMS = 20_000;
/** Members and items of the whole body: ten thousand users with three values each, and their ids. */
const MAX_VALUES = 60_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Throws FPWSE0004E with the exceeded bound. Invalid JSON may pass: the parser refuses it. Costs 1.5 ns a character.
 */
export function checkBounds(text: string, what = 'body'): void {
  // Commas in each open object and list, the outermost first.
  const commas: number[] = [];
  const isList: boolean[] = [];
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at);
        break;
      case OPEN_OBJECT:
      case OPEN_LIST:
        isList.push(text.charCodeAt(at) === OPEN_LIST);
        if (commas.push(0) > MAX_DEPTH) throw tooLarge(what, `is nested deeper than ${MAX_DEPTH} levels`);
        if (++values > MAX_VALUES) throw tooLarge(what, `has more than ${MAX_VALUES} values`);
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        commas.pop();
        isList.pop();
        break;
      case COMMA: {
        const count = (commas.pop() ?? 0) + 1;
        commas.push(count);
        if (++values > MAX_VALUES) throw tooLarge(what, `has more than ${MAX_VALUES} values`);
        if (count >= MAX_MEMBERS && isList.at(-1) === false)
          throw tooLarge(what, `has an object of more than ${MAX_MEMBERS} members`);
        if (count >= MAX_ITEMS) throw tooLarge(what, `has a list of more than ${MAX_ITEMS} items`);
      }
    }
  }
}

/** The index of the string's closing quote; the end of the text if it has none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

function tooLarge(what: string, how: string): ApiError {
  return new ApiError('FPWSE0004E', `The ${what} ${how}.`);
}
