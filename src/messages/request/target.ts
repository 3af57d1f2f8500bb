import { ApiError, invalidValue, printable } from '../../common/errors.js';
import { isJsonObject } from '../../common/json.js';
import type { Target } from '../../database/tables.js';
import { PLATFORMS, readPlatform } from '../../devices/platform.js';
import { CONDITIONS, readConditions } from './device-conditions.js';
import type { Warning } from './warning.js';

/**
 * Reads a target, pure. Stricter than the rest of the body, because an accidental broadcast is the costliest mistake.
 */

export const LISTS = { deviceIds: 10_000, userIds: 10_000, tagNames: 1_000 } as const;
type List = keyof typeof LISTS;
const KINDS = [...Object.keys(LISTS), 'platforms'];
const MEMBERS = [...KINDS, ...CONDITIONS, 'audience'];
export const MAX_NAME = 64;
export const MAX_ID = 255;
/** Documented by MobileFirst for browser extensions; no device here has this platform. */
const NOT_OFFERED = 'APPEXT_CHROME';

/** Null stays null: a null target is refused, an absent one is a broadcast. */
export function targetOf(request: Record<string, unknown>): unknown {
  if (request.target !== undefined) return request.target;
  return (request.settings as { target?: unknown } | undefined)?.target;
}

/** The name of the saved audience in a target. Throws FPWSE0005E. */
export function audienceOf(given: unknown): string | undefined {
  if (!isJsonObject(given) || given.audience === undefined || given.audience === null) return undefined;
  return readAudienceName('target.audience', given.audience);
}

export function readAudienceName(field: string, name: unknown): string {
  const isName = typeof name === 'string' && name !== '' && name.length <= MAX_NAME && /^[^\p{C}/]+$/u.test(name);
  if (!isName) throw invalidValue(field, `it must be a name of 1 to ${MAX_NAME} characters without a slash`);
  return name;
}

/**
 * The target with the members of the saved audience that it names. Throws FPWSE0005E for a member that both have: of
 * two lists neither could be meant alone.
 */
export function withAudience(given: Record<string, unknown>, saved: Record<string, unknown>): Record<string, unknown> {
  const { audience: _name, ...own } = given;
  const both = Object.keys(own).find((key) => key in saved && own[key] !== null);
  if (both !== undefined) throw invalidValue(`target.${printable(both)}`, 'the saved audience has this member already');
  return { ...own, ...saved };
}

export function unknownAudience(name: string): ApiError {
  return new ApiError(
    'FPWSE0001E',
    `Not found: the audience does not exist. Check the 'target.audience' parameter value: ${name}.`,
  );
}

/** The members of a target beside the saved audience that it names; undefined: there are none. */
export function besideAudience(given: unknown): unknown {
  if (audienceOf(given) === undefined) return given;
  const { audience: _name, ...own } = given as Record<string, unknown>;
  return Object.keys(own).length > 0 ? own : undefined;
}

/**
 * `undefined` means all devices; every other value must name recipients. The name of a saved audience is refused: its
 * members must have been put in its place (`withAudience`). Throws FPWSE0005E.
 */
export function readTarget(given: unknown): Target {
  if (!isJsonObject(given)) return readLists(given);
  const where = readConditions(given);
  if (where.length === 0) return readLists(given);
  const rest = Object.fromEntries(
    Object.entries(given).filter(([key]) => !(CONDITIONS as readonly string[]).includes(key)),
  );
  return { ...(Object.keys(rest).length > 0 && readLists(rest)), where };
}

function readLists(given: unknown): Target {
  if (given === undefined) return {};
  if (!isJsonObject(given)) throw invalidValue('target', 'it must be an object; omit it to reach all devices');
  const target = withoutEmpty(given);
  const unknown = Object.keys(target).find((key) => !KINDS.includes(key));
  if (unknown !== undefined)
    throw invalidValue(`target.${printable(unknown)}`, `unknown member; known members are ${MEMBERS.join(', ')}`);
  if (Object.keys(target).length === 0) throw invalidValue('target', 'it is empty; omit it to reach all devices');
  const lists = (Object.keys(LISTS) as List[]).filter((list) => list in target);
  if (lists.length > 1) throw invalidValue('target', `only one of ${lists.join(' and ')} can be set`);
  const read: Target = {};
  for (const list of lists) read[list] = readIds(`target.${list}`, target[list], LISTS[list]);
  if ('platforms' in target) read.platforms = readPlatforms(target.platforms);
  return read;
}

/** Warnings about a target that was accepted. */
export function warnOfTarget(given: unknown, { platforms, ...lists }: Target): Warning[] {
  const warnings: Warning[] = [];
  if (platforms?.includes(NOT_OFFERED))
    warnings.push({
      code: 'unsupportedPlatform',
      message: `'target.platforms': ${NOT_OFFERED} is not supported, and nothing is sent to it.`,
      field: 'target.platforms',
      ids: [NOT_OFFERED],
    });
  const empty = isJsonObject(given) ? Object.keys(LISTS).find((list) => isEmptyList(given[list])) : undefined;
  if (empty !== undefined && Object.keys(lists).length === 0)
    warnings.push({
      code: 'emptyList',
      message: `'target.${empty}' is empty and is ignored: the message goes to all devices of target.platforms.`,
      field: `target.${empty}`,
    });
  return warnings;
}

/**
 * Drops null and empty members if another member has a value, because objects of Java callers have all members. A
 * target without any value is kept, and refused later.
 */
function withoutEmpty(target: Record<string, unknown>): Record<string, unknown> {
  const used = Object.entries(target).filter(([, value]) => value !== null && value !== '' && !isEmptyList(value));
  return used.length === 0 ? target : Object.fromEntries(used);
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function readIds(field: string, value: unknown, max: number): string[] {
  if (!Array.isArray(value)) throw invalidValue(field, 'it must be a list of strings');
  if (value.length === 0) throw invalidValue(field, 'it is empty; omit the target to reach all devices');
  if (value.length > max) throw invalidValue(field, `it must have at most ${max} entries`);
  for (const id of value as unknown[])
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID || !id.isWellFormed() || id.includes('\0'))
      throw invalidValue(field, `each must be a string of 1 to ${MAX_ID} characters`);
  return [...new Set(value as string[])];
}

/** The vendor's documents also show a single string, `"A,G"`. */
function readPlatforms(value: unknown): string[] {
  const field = 'target.platforms';
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const codes = list.flatMap((entry) => (typeof entry === 'string' ? entry.split(',') : [entry]));
  if (codes.length === 0 || codes[0] === '')
    throw invalidValue(field, 'it is empty; omit the target to reach all devices');
  return [
    ...new Set(
      codes.map((code) => {
        const text = typeof code === 'string' ? code.trim() : '';
        const platform = text === NOT_OFFERED ? text : readPlatform(text);
        if (!platform) throw invalidValue(field, `each must be one of ${PLATFORMS.join(', ')}`);
        return platform;
      }),
    ),
  ];
}
