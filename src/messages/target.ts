import { invalidValue, printable } from '../common/errors.js';
import type { Target } from '../database/tables.js';
import { PLATFORMS, readPlatform } from '../devices/platform.js';

/** Reads a target, pure. Strict where the rest of the body is lenient: an accidental broadcast is the dearest mistake. */

const LISTS = { deviceIds: 10_000, userIds: 10_000, tagNames: 1_000 } as const;
type List = keyof typeof LISTS;
const KINDS = [...Object.keys(LISTS), 'platforms'];
const MAX_ID = 255;

/** As it came: null must stay null, because it is refused where an absent target is a broadcast. */
export function targetOf(request: Record<string, unknown>): unknown {
  if (request.target !== undefined) return request.target;
  return (request.settings as { target?: unknown } | undefined)?.target;
}

/** `undefined` is everybody; anything else must name somebody. Throws FPWSE0005E. */
export function readTarget(target: unknown): Target {
  if (target === undefined) return {};
  if (typeof target !== 'object' || target === null || Array.isArray(target))
    throw invalidValue('target', 'it must be an object; leave it out to reach all devices');
  const unknown = Object.keys(target).find((key) => !KINDS.includes(key));
  if (unknown !== undefined)
    throw invalidValue(`target.${printable(unknown)}`, `there is no such target; known are ${KINDS.join(', ')}`);
  if (Object.keys(target).length === 0) throw invalidValue('target', 'it is empty; leave it out to reach all devices');
  const given = (Object.keys(LISTS) as List[]).filter((list) => list in target);
  if (given.length > 1) throw invalidValue('target', `only one of ${given.join(' and ')} can be set`);
  const read: Target = {};
  for (const list of given) read[list] = readIds(`target.${list}`, (target as Target)[list], LISTS[list]);
  if ('platforms' in target) read.platforms = readPlatforms(target.platforms);
  return read;
}

function readIds(field: string, value: unknown, max: number): string[] {
  if (!Array.isArray(value)) throw invalidValue(field, 'it must be a list of strings');
  if (value.length === 0) throw invalidValue(field, 'it is empty; leave the target out to reach all devices');
  if (value.length > max) throw invalidValue(field, `it must have at most ${max} entries`);
  for (const id of value as unknown[])
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID || !id.isWellFormed() || id.includes('\0'))
      throw invalidValue(field, `each must be a string of 1 to ${MAX_ID} characters`);
  return [...new Set(value as string[])];
}

/** The vendor's docs also show one string, `"A,G"`. */
function readPlatforms(value: unknown): string[] {
  const field = 'target.platforms';
  const list: unknown[] = Array.isArray(value) ? value : [value];
  const codes = list.flatMap((entry) => (typeof entry === 'string' ? entry.split(',') : [entry]));
  if (codes.length === 0 || codes[0] === '')
    throw invalidValue(field, 'it is empty; leave the target out to reach all devices');
  return [
    ...new Set(
      codes.map((code) => {
        const platform = typeof code === 'string' ? readPlatform(code.trim()) : null;
        if (!platform) throw invalidValue(field, `each must be one of ${PLATFORMS.join(', ')}`);
        return platform;
      }),
    ),
  ];
}
