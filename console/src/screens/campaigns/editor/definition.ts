import type { components } from '../../../api/schema';
import type { Content } from '../../../parts/content';
import { ZONE } from '../../../parts/format';
import { isSame } from '../../../parts/same';

/** The definition of a campaign while it is edited: its parts, and the changes of two people. Pure. */

export type Definition = components['schemas']['CampaignDto'];
export type Path = readonly (string | number)[];

const MEMBERS = ['name', 'content', 'languages', 'split', 'target', 'schedule', 'policies'] as const;

export function emptyDefinition(): Definition {
  return {
    name: '',
    content: { message: { alert: '' } },
    schedule: { cron: '0 9 * * MON', timeZone: ZONE },
  };
}

/** The members that a person can change; the rest of an answer is the state of the campaign. */
export function definitionOf(answer: Definition): Definition {
  const members = MEMBERS.filter((member) => answer[member] !== undefined);
  return Object.fromEntries(members.map((member) => [member, answer[member]])) as unknown as Definition;
}

export function getAt(value: unknown, [first, ...rest]: Path): unknown {
  if (first === undefined) return value;
  return getAt((value as Record<string | number, unknown> | undefined)?.[first], rest);
}

/** Undefined removes the member, and the object around it that is empty then. The order of members stays. */
export function setAt(definition: Definition, path: Path, value: unknown): Definition {
  return (put(definition, path, value) ?? {}) as Definition;
}

function put(value: unknown, [first, ...rest]: Path, next: unknown): unknown {
  if (first === undefined) return next;
  const member = put(getAt(value, [first]), rest, next);
  if (Array.isArray(value)) return value.toSpliced(Number(first), 1, ...(member === undefined ? [] : [member]));
  const { [first]: _old, ...others } = (value ?? {}) as Record<string, unknown>;
  if (member !== undefined) return { ...(value as object), [first]: member };
  return Object.keys(others).length > 0 ? others : undefined;
}

/** A text of the campaign: of all or one variant (by its place), in all other or one language. */
export interface Part {
  variant: number | null;
  language: string | null;
}

export function pathOf({ variant, language }: Part): Path {
  const last = language === null ? ['content'] : ['languages', language];
  return variant === null ? last : ['split', variant, ...last];
}

/** As the API puts the parts over each other: a member of a part replaces that member as a whole. */
export function contentOf(definition: Definition, { variant, language }: Part): Content {
  const layers: Part[] = [
    { variant: null, language: null },
    { variant: null, language },
    { variant, language: null },
    { variant, language },
  ];
  return Object.assign({}, ...layers.map((part) => getAt(definition, pathOf(part)) ?? {})) as Content;
}

/**
 * The members of `next` that differ from the shown content become the part's own. A part that lacks a member which the
 * whole has says so by an empty one.
 */
export function withContent(definition: Definition, part: Part, next: Content): Definition {
  const shown = contentOf(definition, part);
  const absent = part.variant === null && part.language === null ? undefined : {};
  return Object.keys({ ...shown, ...next })
    .filter((member) => !isSame(shown[member], next[member]))
    .reduce((changed, member) => setAt(changed, [...pathOf(part), member], next[member] ?? absent), definition);
}

export function languagesOf(definition: Definition): string[] {
  const own = definition.split?.flatMap(({ languages }) => Object.keys(languages ?? {})) ?? [];
  return [...new Set([...Object.keys(definition.languages ?? {}), ...own])];
}

/** Also of every variant. */
export function withoutLanguage(definition: Definition, language: string): Definition {
  const variants = definition.split?.keys() ?? [];
  return [null, ...variants].reduce<Definition>(
    (next, variant) => setAt(next, pathOf({ variant, language }), undefined),
    definition,
  );
}

/** One member that one or both of two people changed. */
export interface Change {
  path: Path;
  before: unknown;
  mine: unknown;
  theirs: unknown;
  isConflict: boolean;
}

export function changesOf(before: Definition, mine: Definition, theirs: Definition): Change[] {
  const paths = new Map(
    [before, mine, theirs].flatMap((one) => leavesOf(one, [])).map((path) => [JSON.stringify(path), path]),
  );
  return [...paths.values()]
    .map((path) => ({
      path,
      before: getAt(before, path),
      mine: getAt(mine, path),
      theirs: getAt(theirs, path),
    }))
    .filter((change) => !isSame(change.before, change.mine) || !isSame(change.before, change.theirs))
    .map((change) => {
      const areBoth = !isSame(change.before, change.mine) && !isSame(change.before, change.theirs);
      return { ...change, isConflict: areBoth && !isSame(change.mine, change.theirs) };
    });
}

/** Their version with my changes on top; of a conflict those that `keepsMine` says. */
export function merge(theirs: Definition, changes: readonly Change[], keepsMine: (path: Path) => boolean): Definition {
  return changes
    .filter(({ path, before, mine, isConflict }) => (isConflict ? keepsMine(path) : !isSame(before, mine)))
    .reduce((merged, { path, mine }) => setAt(merged, path, mine), theirs);
}

/** Texts and rules are compared one by one; a schedule, an audience and the variants are each one thought. */
function leavesOf(value: unknown, path: Path): Path[] {
  const isOpen = path.length === 0 || ['content', 'languages'].includes(String(path[0])) || path.join() === 'policies';
  if (!isOpen || !isObject(value) || (path.length > 0 && Object.keys(value).length === 0)) return [path];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
