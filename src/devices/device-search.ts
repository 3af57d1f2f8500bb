import { ApiQuery } from '@nestjs/swagger';
import { applyDecorators } from '@nestjs/common';
import { invalidValue } from '../common/errors.js';
import { readText, readWord } from '../common/query.js';
import type { Query } from '../common/query.js';
import { canonicalLanguage, wrongLanguage } from './device-profile.js';
import { PLATFORMS, readPlatform } from './platform.js';

/** Reads the parameters of a search for devices, pure. */

export const DEVICE_STATES = ['active', 'retired'] as const;
export type DeviceState = (typeof DEVICE_STATES)[number];

/** A device must match all members. */
export interface DeviceSearch {
  state?: DeviceState;
  idPrefix?: string;
  userPrefix?: string;
  /** At least `TOKEN_END` characters. */
  tokenEnd?: string;
  /** BCP 47, canonical: `de` includes `de-CH`. */
  language?: string;
  attribute?: { name: string; value: string };
  platform?: string;
}

/** Characters of a token that its index has. */
export const TOKEN_END = 8;
const MAX_TEXT = 4_096;

/** Undefined: the query has none of the parameters. Throws FPWSE0005E. */
export function readSearch(query: Query): DeviceSearch | undefined {
  const search: DeviceSearch = {
    state: readWord('state', readText(query, 'state'), DEVICE_STATES),
    idPrefix: readShort(query, 'idPrefix'),
    userPrefix: readShort(query, 'userPrefix'),
    tokenEnd: readTokenEnd(query),
    language: readLanguage(query),
    attribute: readAttribute(query),
    platform: readOnePlatform(query),
  };
  return Object.values(search).some((value) => value !== undefined) ? search : undefined;
}

function readShort(query: Query, name: string): string | undefined {
  const text = readText(query, name);
  if (text !== undefined && text.length > MAX_TEXT)
    throw invalidValue(name, `it must be at most ${MAX_TEXT} characters`);
  return text;
}

function readTokenEnd(query: Query): string | undefined {
  const end = readShort(query, 'tokenEnd');
  if (end !== undefined && end.length < TOKEN_END)
    throw invalidValue('tokenEnd', `it must be the last ${TOKEN_END} characters of the token, or more`);
  return end;
}

function readLanguage(query: Query): string | undefined {
  const language = readText(query, 'language');
  if (language === undefined) return undefined;
  const wrong = wrongLanguage(language);
  if (wrong !== null) throw invalidValue('language', wrong);
  return canonicalLanguage(language);
}

function readAttribute(query: Query): DeviceSearch['attribute'] {
  const text = readShort(query, 'attribute');
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  if (colon < 1) throw invalidValue('attribute', 'it must be name:value');
  return { name: text.slice(0, colon), value: text.slice(colon + 1) };
}

function readOnePlatform(query: Query): string | undefined {
  const text = readText(query, 'platform');
  if (text === undefined) return undefined;
  const platform = readPlatform(text);
  if (!platform) throw invalidValue('platform', `it must be one of ${PLATFORMS.join(', ')}`);
  return platform;
}

/** The first text, in the order of bytes, above every text with the prefix; undefined: there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!);
  for (let last = points.pop(); last !== undefined; last = points.pop())
    // U+D800 to U+DFFF are no characters.
    if (last < 0x10_ff_ff) return String.fromCodePoint(...points, last === 0xd7_ff ? 0xe0_00 : last + 1);
  return undefined;
}

/** The parameters of the list of devices that search. */
export function ApiDeviceSearch(): MethodDecorator {
  const text = (name: string, description: string, enumeration?: readonly string[]): MethodDecorator =>
    ApiQuery({
      name,
      required: false,
      description: `Extension: ${description}`,
      ...(enumeration ? { enum: [...enumeration] } : { type: String }),
    });
  return applyDecorators(
    text('state', '`retired`: devices that get nothing until they register again', DEVICE_STATES),
    text('idPrefix', 'the beginning of the device id; ordered by the id'),
    text('userPrefix', 'the beginning of the user id; ordered by the user'),
    text('tokenEnd', `the last ${TOKEN_END} characters of the token, or more`),
    text('language', 'BCP 47; `de` includes `de-CH`'),
    text('attribute', '`name:value`; numbers and booleans as text'),
    text('platform', 'the same as `filter=platform==…`', PLATFORMS),
  );
}
