import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { InvalidSettings } from '../provider.js';
import { isFileName, readPastedBase64, readPastedObject, trimPasted } from './pasted-text.js';

/** Reads private keys that were copied and pasted. */

/** A key of 16,384 bits has 13,000 characters; such keys are refused by their length in bits. */
const LONGEST = 20_000;
/** Editors replace several hyphens by dashes. */
const DASHES = '[-\u2010-\u2015\u2212]{1,10}';
const LABEL = '[A-Z0-9]{1,20}(?: [A-Z0-9]{1,20}){0,4}';
const BEGIN = new RegExp(`${DASHES}\\s{0,9}BEGIN (${LABEL})\\s{0,9}${DASHES}`);
const END = new RegExp(`${DASHES}\\s{0,9}END (${LABEL})\\s{0,9}${DASHES}`);
/** Blocks of one file; a key with its certificate chain has about three. */
const MOST_BLOCKS = 10;

/** RFC 5958, and OpenSSL's two older forms. */
const TYPES: Readonly<Record<string, 'pkcs8' | 'sec1' | 'pkcs1'>> = {
  'PRIVATE KEY': 'pkcs8',
  'EC PRIVATE KEY': 'sec1',
  'RSA PRIVATE KEY': 'pkcs1',
};
/** Inputs that are mistaken for a key, and their names. */
const NO_KEYS: Readonly<Record<string, string>> = {
  'ENCRYPTED PRIVATE KEY': 'it is encrypted: decrypt it first, with openssl pkey',
  'OPENSSH PRIVATE KEY': 'it is a key of OpenSSH',
  CERTIFICATE: 'it is a certificate, not its private key',
  'CERTIFICATE REQUEST': 'it is a certificate request',
  'PUBLIC KEY': 'it is a public key',
  'EC PARAMETERS': 'it is the parameters of a key, without the key',
};

/**
 * Reads a key despite changed line breaks: PEM with `\n` as two characters, with CR LF, indented, in one line, in
 * quotation marks, with a byte order mark; inside a service account; as bytes or as a file in base64. Otherwise returns
 * the fault in words that follow "must be …:", without any of the text and without OpenSSL's words, which may quote it.
 */
export function readPastedKey(text: string, isDecoded = false): KeyObject | string {
  if (text.length > LONGEST) return 'it is too long for a key';
  const trimmed = trimPasted(text);
  if (trimmed === '') return 'it is empty';
  if (trimmed.startsWith('{')) return readFromObject(trimmed);
  // Base64 and PEM contain no quotation marks and no backslashes.
  const plain = trimmed.replace(/\\+[rnt]/g, '\n').replace(/["'`\\]/g, '');
  const blocks = readBlocks(plain);
  const block = blocks.find(({ label }) => label in TYPES) ?? blocks[0];
  if (block) return readBlock(block.label, block.body);
  if (BEGIN.test(plain)) return 'it is cut off: its END line is missing';
  if (END.test(plain)) return 'it is cut off: its BEGIN line is missing';
  if (isFileName(trimmed)) return 'it is the name of a file: its content is wanted';
  return readBase64(plain, isDecoded);
}

/** Throws InvalidSettings. Google's keys have 2,048 bits and Huawei's 4,096; a signature with 16,384 takes a second. */
export function readRsaKey(text: string, field: string): KeyObject {
  const key = readPastedKey(text);
  const bits = typeof key === 'object' ? key.asymmetricKeyDetails?.modulusLength : undefined;
  const isRight = typeof key === 'object' && key.asymmetricKeyType === 'rsa' && bits !== undefined;
  if (isRight && bits >= 2_048 && bits <= 8_192) return key;
  const what = typeof key === 'string' ? key : nameKey(key);
  throw new InvalidSettings(field, `must be an RSA private key in PEM of 2048 bits or more, at most 8192: ${what}`);
}

/** The kind of a wrong key for the error: "RSA of 2048 bits", "EC of curve secp384r1". */
export function nameKey({ asymmetricKeyType: type = 'ec', asymmetricKeyDetails: details = {} }: KeyObject): string {
  const { modulusLength, namedCurve } = details;
  const size = modulusLength === undefined ? '' : ` of ${modulusLength} bits`;
  return `it is a key of kind ${type.toUpperCase()}${size}${namedCurve === undefined ? '' : ` on curve ${namedCurve}`}`;
}

function readBlocks(text: string): { label: string; body: string }[] {
  const blocks: { label: string; body: string }[] = [];
  for (let rest = text; blocks.length < MOST_BLOCKS;) {
    const begin = BEGIN.exec(rest);
    if (begin === null) break;
    rest = rest.slice(begin.index + begin[0].length);
    const end = END.exec(rest);
    if (end === null || end[1] !== begin[1]) break;
    blocks.push({ label: end[1]!, body: rest.slice(0, end.index) });
    rest = rest.slice(end.index + end[0].length);
  }
  return blocks;
}

function readBlock(label: string, body: string): KeyObject | string {
  const type = TYPES[label];
  if (type === undefined) return NO_KEYS[label] ?? 'it is no private key';
  if (/Proc-Type:.*ENCRYPTED/.test(body)) return NO_KEYS['ENCRYPTED PRIVATE KEY']!;
  const bytes = readPastedBase64(body);
  if (typeof bytes === 'string') return bytes === 'it is empty' ? 'it has nothing between BEGIN and END' : bytes;
  return importKey(bytes, type) ?? explain(bytes);
}

function readBase64(text: string, isDecoded: boolean): KeyObject | string {
  const bytes = readPastedBase64(text);
  if (typeof bytes === 'string') return 'it has no BEGIN and END lines';
  for (const type of ['pkcs8', 'sec1', 'pkcs1'] as const) {
    const key = importKey(bytes, type);
    if (key) return key;
  }
  const inner = bytes.toString('utf8');
  const isText = BEGIN.test(inner) || trimPasted(inner).startsWith('{');
  if (isText && !isDecoded) return readPastedKey(inner, true);
  return bytes[0] === 0x30 ? explain(bytes) : 'it has no BEGIN and END lines';
}

function readFromObject(text: string): KeyObject | string {
  const object = readPastedObject(text);
  if (typeof object === 'string') return object;
  const key = object.private_key ?? object.privateKey;
  if (typeof key !== 'string') return 'it is JSON without a private_key';
  return key.trimStart().startsWith('{') ? 'it is JSON within JSON' : readPastedKey(key);
}

function importKey(key: Buffer, type: 'pkcs8' | 'sec1' | 'pkcs1'): KeyObject | undefined {
  try {
    return createPrivateKey({ key, format: 'der', type });
  } catch {
    return undefined;
  }
}

/** DER begins with its length. */
function explain(bytes: Buffer): string {
  if (bytes[0] !== 0x30) return 'its text between BEGIN and END is damaged';
  const [first = 0, second = 0, third = 0] = bytes.subarray(1);
  const length = first < 0x80 ? 2 + first : first === 0x81 ? 3 + second : 4 + second * 256 + third;
  if (length > bytes.length) return `it is cut off: ${bytes.length} of ${length} bytes are there`;
  if (length < bytes.length) return `it is damaged: ${bytes.length} bytes are there in place of ${length}`;
  return 'it is damaged, or of a kind that is not known';
}
