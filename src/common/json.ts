import { ApiError } from './errors.js';

/**
 * JSON with exact numbers. `JSON.parse` rounds numbers that a double cannot hold: 1147483645123456789 becomes …6800,
 * 1e400 becomes Infinity and then null. Here such a number is an `ExactNumber`, which keeps its text; a reviver of Node
 * 20 has no access to the source text. In our own JSON, which the database stores, it is a text that begins with a
 * mark.
 */

/** A noncharacter, which interchanged text does not contain (Unicode §23.7). Bodies that contain it are refused. */
const MARK = '\ufdd2';
const ESCAPED_MARK = /\\u[fF][dD][dD]2/;
const MARKED = /^\ufdd2-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const MARKED_MEMBER = /"\ufdd2(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"/g;

/** A double holds every number of 15 digits (IEEE 754): only longer numbers and exponents need a check. */
const SUSPECT = /(?:^|[:,[\s])-?(?:[\d.]{16}|[\d.]+[eE])/;
const HELD_LENGTH = 15;
/** Of one body: each check takes 2 µs. A bulk request may have ten for each of its thousand messages. */
const MOST_SUSPECTS = 10_000;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** A number that a double cannot hold. */
export class ExactNumber {
  /** `text`: the number as received. */
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return MARK + this.text;
  }
}

/** A JSON object: neither null, nor a list, nor an exact number. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/**
 * Like JSON.parse, with exact numbers. Throws SyntaxError, and FPWSE0004E for our own mark or too many long numbers.
 */
export function readJson(text: string): unknown {
  if (text.includes(MARK) || ESCAPED_MARK.test(text))
    throw new ApiError('FPWSE0004E', 'The body contains the noncharacter U+FDD2.');
  const value = JSON.parse(text) as unknown;
  if (!SUSPECT.test(text)) return value;
  const marked = markNumbers(text);
  return marked === text ? value : reviveJson(marked);
}

/** Like JSON.stringify, for JSON that leaves this server: exact numbers are written as received. */
export function writeJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes(MARK) ? text.replace(MARKED_MEMBER, '$1') : text;
}

/** Reads JSON from the database, in which JSON.stringify has marked exact numbers. */
export function reviveJson(text: string): unknown {
  const whole = { value: JSON.parse(text) as unknown };
  if (!text.includes(MARK)) return whole.value;
  const open: Record<string, unknown>[] = [whole];
  for (let each = open.pop(); each !== undefined; each = open.pop())
    for (const [name, member] of Object.entries(each))
      if (typeof member === 'object' && member !== null) open.push(member as Record<string, unknown>);
      else if (typeof member === 'string' && MARKED.test(member)) each[name] = new ExactNumber(member.slice(1));
  return whole.value;
}

/** The JSON text with a marked text in place of each number that a double cannot hold. */
function markNumbers(text: string): string {
  const token = /"|-?\d[\d.eE+-]*/g;
  let [marked, from, looked] = ['', 0, 0];
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const [word] = found;
    if (word === '"') token.lastIndex = endOfString(text, token.lastIndex);
    if (word === '"' || !isSuspect(word)) continue;
    if (++looked > MOST_SUSPECTS)
      throw new ApiError(
        'FPWSE0004E',
        `The body has more than ${MOST_SUSPECTS} numbers of over ${HELD_LENGTH} digits.`,
      );
    if (isHeld(word)) continue;
    marked += `${text.slice(from, found.index)}"${MARK}${word}"`;
    from = token.lastIndex;
  }
  return marked + text.slice(from);
}

/** The index after the quote that closes a string. */
function endOfString(text: string, from: number): number {
  for (let at = from; ; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at + 1;
  }
}

function isSuspect(number: string): boolean {
  return number.length > HELD_LENGTH || /e/i.test(number);
}

/** Whether the double has the same value in any notation: 1e2 is 100, and 0.10 is 0.1. */
function isHeld(number: string): boolean {
  const double = Number(number);
  return Number.isFinite(double) && (String(double) === number || normalForm(String(double)) === normalForm(number));
}

/** Sign, digits from the first to the last that is not 0, and the exponent of ten. */
function normalForm(number: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(number) ?? [];
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const digits = whole + fraction;
  let [first, end] = [0, digits.length];
  while (digits[first] === '0') first++;
  while (end > first && digits[end - 1] === '0') end--;
  if (first === end) return '0';
  return `${sign}${digits.slice(first, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}
