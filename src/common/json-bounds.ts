import { ApiError } from './errors.js';

/**
 * Bounds of a JSON text, looked at before it is parsed: what a parse, a walk and a rule cost goes by the number of values and
 * not by the bytes. One MiB of keys takes V8 40 ms to parse, one MiB of `{},` 65 ms, and each rule as long again; within
 * these bounds it is some 20 ms (Node 20 on two cores).
 */

/** Deeper than any documented body (wns visuals nest six levels); recursion over hostile JSON stops here. */
export const MAX_DEPTH = 32;
/** Of one object: the values of a message name ten thousand users. */
const MAX_MEMBERS = 10_000;
/** Of one list: a message names ten thousand ids, an imported device some thousand tags. */
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

/** Throws FPWSE0004E naming the bound. A text that is no JSON passes: the parser refuses it. 1.5 ns a character. */
export function checkBounds(text: string, what = 'body'): void {
  // Commas seen in the objects and lists that are open, the outermost first.
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
        if (++values > MAX_VALUES) throw tooLarge(what, `has more than ${MAX_VALUES} values in it`);
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        commas.pop();
        isList.pop();
        break;
      case COMMA: {
        const count = (commas.pop() ?? 0) + 1;
        commas.push(count);
        if (++values > MAX_VALUES) throw tooLarge(what, `has more than ${MAX_VALUES} values in it`);
        if (count >= MAX_MEMBERS && isList.at(-1) === false)
          throw tooLarge(what, `has an object of more than ${MAX_MEMBERS} members in it`);
        if (count >= MAX_ITEMS) throw tooLarge(what, `has a list of more than ${MAX_ITEMS} items in it`);
      }
    }
  }
}

/** Where the string's closing quote is; the end of the text when there is none. */
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
