import { invalidValue, printable } from '../../common/errors.js';
import { isJsonObject } from '../../common/json.js';
import type { Target } from '../../database/tables.js';
import { PLATFORMS, readPlatform } from '../../devices/platform.js';

/**
 * Reads a target, pure. Stricter than the rest of the body, because an accidental broadcast is the costliest mistake.
 */

export const LISTS = { deviceIds: 10_000, userIds: 10_000, tagNames: 1_000 } as const;
type List = keyof typeof LISTS;
const KINDS = [...Object.keys(LISTS), 'platforms'];
export const MAX_ID = 255;
/** Documented by MobileFirst for browser extensions; no device here has this platform. */
const NOT_OFFERED = 'APPEXT_CHROME';

/** Null stays null: a null target is refused, an absent one is a broadcast. */
export function targetOf(request: Record<string, unknown>): unknown {
  if (request.target !== undefined) return request.target;
  return (request.settings as { target?: unknown } | undefined)?.target;
}

/** `undefined` means all devices; every other value must name recipients. Throws FPWSE0005E. */
export function readTarget(given: unknown): Target {
  if (given === undefined) return {};
  if (!isJsonObject(given)) throw invalidValue('target', 'it must be an object; omit it to reach all devices');
  const target = withoutEmpty(given);
  const unknown = Object.keys(target).find((key) => !KINDS.includes(key));
  if (unknown !== undefined)
    throw invalidValue(`target.${printable(unknown)}`, `unknown member; known members are ${KINDS.join(', ')}`);
  if (Object.keys(target).length === 0) throw invalidValue('target', 'it is empty; omit it to reach all devices');
  const lists = (Object.keys(LISTS) as List[]).filter((list) => list in target);
  if (lists.length > 1) throw invalidValue('target', `only one of ${lists.join(' and ')} can be set`);
  const read: Target = {};
  for (const list of lists) read[list] = readIds(`target.${list}`, target[list], LISTS[list]);
  if ('platforms' in target) read.platforms = readPlatforms(target.platforms);
  return read;
}

/** Warnings about a target that was accepted. */
export function warnOfTarget(given: unknown, { platforms, ...lists }: Target): string[] {
  const warnings: string[] = [];
  if (platforms?.includes(NOT_OFFERED))
    warnings.push(`'target.platforms': ${NOT_OFFERED} is not supported, and nothing is sent to it.`);
  const empty = isJsonObject(given) ? Object.keys(LISTS).find((list) => isEmptyList(given[list])) : undefined;
  if (empty !== undefined && Object.keys(lists).length === 0)
    warnings.push(`'target.${empty}' is empty and is ignored: the message goes to all devices of target.platforms.`);
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
