import { isObject } from './unanswered.js';

/** Undoes unambiguous changes that copying and pasting makes to a file's text. Pure. */

/** Byte order mark, zero-width characters, no-break spaces. */
const INVISIBLE = /[\uFEFF\u200B-\u200D\u2060]/g;
const QUOTED = /^(["'`\u201C\u201D\u2018\u2019])([\s\S]*)(["'`\u201C\u201D\u2018\u2019]),?;?$/;
const DATA_URL = /^data:[^,]{0,100};base64,/i;

/** Google's file has 2,400 characters, Huawei's 4,000. */
const LONGEST_OBJECT = 40_000;

/** Removes byte order marks, white space and quotation marks at both ends, which no key, certificate or JSON has. */
export function trimPasted(text: string): string {
  let trimmed = text.replace(INVISIBLE, '').replaceAll('\u00A0', ' ').trim();
  for (let inner = QUOTED.exec(trimmed); inner !== null; inner = QUOTED.exec(trimmed)) trimmed = inner[2]!.trim();
  return trimmed;
}

/** Reads base64 and base64url, with or without line breaks and padding; otherwise returns the reason. */
export function readPastedBase64(text: string): Buffer | string {
  const packed = trimPasted(text)
    .replace(DATA_URL, '')
    .replace(/\\+[rnt]|[\s\\]/g, '');
  if (packed === '') return 'it is empty';
  if (isFileName(packed)) return 'it is the name of a file: its content is wanted';
  const body = packed.replace(/={1,2}$/, '');
  const strange = /[^A-Za-z0-9+/_-]/u.exec(body);
  if (strange) return `it is not base64: character ${strange.index + 1} is of another kind`;
  if (body.length % 4 === 1) return 'it is not whole: base64 has no such length';
  return Buffer.from(body.replaceAll('-', '+').replaceAll('_', '/'), 'base64');
}

/**
 * Reads an object, or its JSON as text: with a byte order mark, in quotation marks, escaped, in base64, or with line
 * breaks inside strings.
 */
export function readPastedObject(given: unknown): Record<string, unknown> | string {
  if (isObject(given)) return given;
  if (typeof given !== 'string') return 'it is no object';
  if (given.length > LONGEST_OBJECT) return 'it is too long';
  const text = trimPasted(given);
  const read = parse(text) ?? parse(escapeBreaks(text)) ?? parse(unescape(text)) ?? parse(decode(text));
  if (read !== undefined) return read;
  if (isFileName(text)) return 'it is the name of a file: its content is wanted';
  return text.startsWith('{') ? 'it is not valid JSON: it may be cut off' : 'it is no JSON object';
}

export function isFileName(text: string): boolean {
  return text.length < 300 && /^[^\n{]*\.(p8|p12|pfx|pem|key|json|cer)$/i.test(text);
}

function parse(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Escapes the line breaks of a private key inside its string. */
function escapeBreaks(text: string): string {
  return text.replace(/"(?:[^"\\]|\\[\s\S])*"/g, (string) => string.replace(/\r\n?|\n/g, '\\n'));
}

/** `{\"type\":…}`, as in source code. */
function unescape(text: string): string | undefined {
  try {
    return text.startsWith('{\\') ? (JSON.parse(`"${text.replace(/\r\n?|\n/g, '\\n')}"`) as string) : undefined;
  } catch {
    return undefined;
  }
}

function decode(text: string): string | undefined {
  const bytes = text.startsWith('{') ? '' : readPastedBase64(text);
  return typeof bytes === 'string' ? undefined : trimPasted(bytes.toString('utf8'));
}
