import { parseWhole } from '../format';

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
      return readNumber(value);
    case 'atLeast':
    case 'atMost': {
      const bound = readNumber(value);
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

/** As the viewer writes it: `1.000` and `1,5` in German are 1000 and 1.5. */
function readNumber(text: string): number | null {
  const plain = text.trim();
  const [sign, digits] = /^[-−]/.test(plain) ? [-1, plain.slice(1)] : [1, plain];
  const whole = parseWhole(digits);
  if (whole !== null) return sign * whole;
  return /^\d+[.,]\d+$/.test(digits) ? sign * Number(digits.replace(',', '.')) : null;
}
