import { invalidValue, printable } from '../../common/errors.js';
import { isJsonObject } from '../../common/json.js';

/**
 * Finds members that look like a restriction of the recipients but are not in `target`, pure. If they were ignored as
 * unknown fields, the message would go to all devices. The words are those of MobileFirst, its cloud service, FCM,
 * OneSignal, Airship, Parse, Pusher, Azure and SNS, and those of a campaign's target.
 */

/** Matched anywhere in a name: `include_player_ids`, `excludedSegments`, `TargetArn`. */
const STEMS =
  /target|audience|recipi?ent|receiver|addressee|subscri|segment|platform|consumer|interests|phonenumber|filter|condition|criteria|exclude|include|restrict|(user|device|registration|player|installation|customer|external|alias)(e?s|ids?|names?|tokens?|types?|lists?)$|tagnames?|topicarn/;
/** Matched as whole names. */
const WORDS = new Set(
  'to cc bcc only where query user uid uids username device token tokens tag tags topic topics group groups channel channels alias email emails role roles language languages locale locales timezone timezones country countries region regions appversion appversions attribute attributes'.split(
    ' ',
  ),
);
/** A name within this many changes of one of these is taken for a misspelling. */
const MISSPELT: readonly (readonly [name: string, changes: number])[] = [
  ['target', 2],
  ['deviceids', 2],
  ['userids', 1],
  ['tagnames', 2],
  ['platforms', 2],
];

/** How many verdicts are cached: callers use the same few names in every request. */
const MOST_JUDGED = 1_000;
const judged = new Map<string, boolean>();

export function looksLikeRestriction(name: string): boolean {
  const known = judged.get(name);
  if (known !== undefined) return known;
  const verdict = judge(name);
  if (judged.size >= MOST_JUDGED) judged.clear();
  // Not cached if longer: a hostile name may have a megabyte.
  if (name.length <= 100) judged.set(name, verdict);
  return verdict;
}

function judge(name: string): boolean {
  const plain = name
    .slice(0, 100)
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '');
  if (WORDS.has(plain) || STEMS.test(plain)) return true;
  return MISSPELT.some(([known, changes]) => plain.length > changes + 2 && distance(plain, known) <= changes);
}

/**
 * Checks the members of a message, of its `message` and of its `settings`; a null member is accepted. Throws FPWSE0005E
 * that names the member, prefixed with `path`.
 */
export function checkRestrictions(message: Record<string, unknown>, path = ''): void {
  const { message: text, settings } = message;
  for (const [prefix, members] of [
    ['', message],
    ['message.', text],
    ['settings.', settings],
  ] as const)
    for (const [name, value] of Object.entries(isJsonObject(members) ? members : {}))
      if (value !== null && !isTarget(prefix, name) && looksLikeRestriction(name))
        throw invalidValue(
          `${path}${prefix}${printable(name)}`,
          "it looks like a restriction of the recipients; use 'target'",
        );
  const misplaced = isJsonObject(settings) ? (settings.target ?? null) : null;
  // Of two restrictions neither could be meant alone.
  if (misplaced !== null && (message.target ?? null) !== null)
    throw invalidValue(`${path}settings.target`, "there is a 'target' beside the settings");
}

/** One of the vendor's samples has the target in the settings. */
function isTarget(prefix: string, name: string): boolean {
  return name === 'target' && prefix !== 'message.';
}

/** How many characters to insert, drop, replace or swap with their neighbour: optimal string alignment distance. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Infinity;
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const costs = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      costs[column] = Math.min(
        at(rows, row - 1, column) + 1,
        (costs[column - 1] ?? 0) + 1,
        at(rows, row - 1, column - 1) + same,
        swapped ? at(rows, row - 2, column - 2) + 1 : Infinity,
      );
    }
    rows.push(costs);
  }
  return at(rows, a.length, b.length);
}

function at(rows: readonly (readonly number[])[], row: number, column: number): number {
  return rows[row]?.[column] ?? Infinity;
}
