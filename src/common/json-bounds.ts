import { ApiError } from './errors.js';

/**
 * Bounds of a JSON text, checked while it is read: the cost of parsing, walking and validating depends on the number of
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

/** As JsonBounds, of a whole text. */
export function checkBounds(text: Uint8Array, what?: string): void {
  new JsonBounds(what).take(text);
}

/**
 * Counts the values of a JSON text in UTF-8 while its pieces arrive, so that the rest of a body without bounds is never
 * kept. Invalid JSON may pass: the parser refuses it.
 */
export class JsonBounds {
  /** Commas in each open object and list, the outermost first. */
  private readonly commas: number[] = [];
  private readonly isList: boolean[] = [];
  private values = 0;
  private isString = false;
  private isEscaped = false;

  constructor(private readonly what = 'body') {}

  /** Throws FPWSE0004E with the exceeded bound. Costs about 2 ns a byte. */
  take(piece: Uint8Array): void {
    for (let at = this.isString ? this.endOfString(piece, 0) : 0; at < piece.length; at++) {
      const byte = piece[at]!;
      switch (byte) {
        case QUOTE:
          this.isString = true;
          at = this.endOfString(piece, at + 1) - 1;
          break;
        case OPEN_OBJECT:
        case OPEN_LIST:
          this.open(byte === OPEN_LIST);
          break;
        case CLOSE_OBJECT:
        case CLOSE_LIST:
          this.commas.pop();
          this.isList.pop();
          break;
        case COMMA:
          this.separate();
      }
    }
  }

  private open(isList: boolean): void {
    this.isList.push(isList);
    if (this.commas.push(0) > MAX_DEPTH) throw this.tooLarge(`is nested deeper than ${MAX_DEPTH} levels`);
    this.count();
  }

  private separate(): void {
    const commas = (this.commas.pop() ?? 0) + 1;
    this.commas.push(commas);
    this.count();
    if (commas >= MAX_MEMBERS && this.isList.at(-1) === false)
      throw this.tooLarge(`has an object of more than ${MAX_MEMBERS} members`);
    if (commas >= MAX_ITEMS) throw this.tooLarge(`has a list of more than ${MAX_ITEMS} items`);
  }

  private count(): void {
    if (++this.values > MAX_VALUES) throw this.tooLarge(`has more than ${MAX_VALUES} values`);
  }

  /** The index after the string's closing quote; the end of the piece if it has none. */
  private endOfString(piece: Uint8Array, start: number): number {
    for (let at = start; at < piece.length; at++) {
      const byte = piece[at]!;
      if (this.isEscaped) this.isEscaped = false;
      else if (byte === BACKSLASH) this.isEscaped = true;
      else if (byte === QUOTE) {
        this.isString = false;
        return at + 1;
      }
    }
    return piece.length;
  }

  private tooLarge(how: string): ApiError {
    return new ApiError('FPWSE0004E', `The ${this.what} ${how}.`);
  }
}
