import { parseDecimal, plainNumber } from '../format';
import { isSame } from '../same';

/** The state of the audience builder, and the target of a message that it stands for. Pure. */

export const KINDS = ['everybody', 'tags', 'users', 'devices', 'saved'] as const;
export type Kind = (typeof KINDS)[number];

export const OPERATORS = ['is', 'number', 'atLeast', 'atMost', 'yes', 'no'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface AttributeRule {
  /** Of the row on the screen. */
  id: string;
  name: string;
  operator: Operator;
  value: string;
}

/** The lists of the other kinds are kept while one is chosen. */
export interface AudienceDraft {
  kind: Kind;
  tagNames: string[];
  userIds: string[];
  deviceIds: string[];
  saved: string;
  platforms: string[];
  languages: string[];
  attributes: AttributeRule[];
}

export const EVERYBODY: AudienceDraft = {
  kind: 'everybody',
  tagNames: [],
  userIds: [],
  deviceIds: [],
  saved: '',
  platforms: [],
  languages: [],
  attributes: [],
};

type Target = Record<string, unknown>;
/** A missing or wrong part. A half-filled audience must never become a message to everybody. */
export type AudienceProblem = 'noTags' | 'noUsers' | 'noDevices' | 'noSaved' | 'noName' | 'noNumber' | 'mixed';
/** `target` undefined: all devices. */
export type ReadAudience = { target: Target | undefined } | { problem: AudienceProblem };

export function readAudience(draft: AudienceDraft): ReadAudience {
  const chosen = chosenList(draft);
  if (typeof chosen === 'string') return { problem: chosen };
  const attributes = readAttributes(draft.attributes);
  if (typeof attributes === 'string') return { problem: attributes };
  const target: Target = {
    ...chosen,
    ...(draft.platforms.length > 0 && { platforms: draft.platforms }),
    ...(draft.languages.length > 0 && { languages: draft.languages }),
    ...(draft.attributes.length > 0 && { attributes }),
  };
  return { target: Object.keys(target).length > 0 ? target : undefined };
}

function chosenList({ kind, tagNames, userIds, deviceIds, saved }: AudienceDraft): Target | AudienceProblem {
  switch (kind) {
    case 'everybody':
      return {};
    case 'tags':
      return tagNames.length > 0 ? { tagNames } : 'noTags';
    case 'users':
      return userIds.length > 0 ? { userIds } : 'noUsers';
    case 'devices':
      return deviceIds.length > 0 ? { deviceIds } : 'noDevices';
    case 'saved':
      return saved === '' ? 'noSaved' : { audience: saved };
  }
}

/** Rules of one attribute: texts and numbers are alternatives, two bounds are a range. */
function readAttributes(rules: readonly AttributeRule[]): Target | AudienceProblem {
  const attributes: Target = {};
  for (const { name, operator, value } of rules) {
    const key = name.trim();
    if (key === '') return 'noName';
    const wanted = readValue(operator, value);
    if (wanted === null) return 'noNumber';
    const merged = key in attributes ? merge(attributes[key], wanted) : wanted;
    if (merged === null) return 'mixed';
    attributes[key] = merged;
  }
  return attributes;
}

function readValue(operator: Operator, value: string): unknown {
  switch (operator) {
    case 'is':
      return value;
    case 'yes':
      return true;
    case 'no':
      return false;
    case 'number':
      return parseDecimal(value);
    case 'atLeast':
    case 'atMost': {
      const bound = parseDecimal(value);
      return bound === null ? null : { [operator === 'atLeast' ? 'min' : 'max']: bound };
    }
  }
}

function merge(first: unknown, second: unknown): unknown {
  const isRange = (value: unknown): value is object =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isRange(first) !== isRange(second)) return null;
  if (!isRange(first) || !isRange(second)) return [first, second].flat();
  return Object.keys(first).some((end) => end in second) ? null : { ...first, ...second };
}

/**
 * The builder's state for a target of the API, with the members that the builder does not show; null if the builder
 * cannot show the target and give it back unchanged.
 */
export function audienceOf(target: Target | undefined): { draft: AudienceDraft; rest: Target } | null {
  const { tagNames, userIds, deviceIds, audience, platforms, languages, attributes, ...rest } = target ?? {};
  const lists = { tags: tagNames, users: userIds, devices: deviceIds, saved: audience };
  const kinds = KINDS.filter((kind) => kind !== 'everybody' && lists[kind] !== undefined);
  const draft: AudienceDraft = {
    kind: kinds[0] ?? 'everybody',
    tagNames: listOf(tagNames),
    userIds: listOf(userIds),
    deviceIds: listOf(deviceIds),
    saved: typeof audience === 'string' ? audience : '',
    platforms: listOf(platforms),
    languages: listOf(languages),
    attributes: Object.entries((attributes ?? {}) as Target).flatMap(([name, wanted]) =>
      rulesOf(wanted).map(([operator, value], index) => ({ id: `${name} ${index}`, name, operator, value })),
    ),
  };
  const read = readAudience(draft);
  const isKept = kinds.length < 2 && 'target' in read && isSame(plain({ ...rest, ...read.target }), plain(target));
  return isKept ? { draft, rest } : null;
}

/** A list of one value means that value. */
function plain(target: Target = {}): Target {
  const attributes = Object.entries((target.attributes ?? {}) as Target).map(([name, wanted]) => [
    name,
    Array.isArray(wanted) && wanted.length === 1 ? wanted[0] : wanted,
  ]);
  return { ...target, attributes: Object.fromEntries(attributes) };
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function rulesOf(wanted: unknown): [Operator, string][] {
  if (Array.isArray(wanted)) return wanted.flatMap(rulesOf);
  if (typeof wanted === 'boolean') return [[wanted ? 'yes' : 'no', '']];
  if (typeof wanted === 'number') return [['number', plainNumber(wanted)]];
  if (typeof wanted === 'string') return [['is', wanted]];
  const { min, max } = (wanted ?? {}) as { min?: unknown; max?: unknown };
  return [
    ...(typeof min === 'number' ? [['atLeast', plainNumber(min)] as [Operator, string]] : []),
    ...(typeof max === 'number' ? [['atMost', plainNumber(max)] as [Operator, string]] : []),
  ];
}
