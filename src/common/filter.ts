import { invalidValue } from './errors.js';
import { readTexts } from './query.js';
import type { Query } from './query.js';

export type Operator = '==' | '=@';

/** `name==value` (exact) or `name=@value` (contains). */
export interface Condition {
  name: string;
  operator: Operator;
  value: string;
}

/** Every list must hold; a list holds if one of its conditions does. */
export type Filter = readonly (readonly Condition[])[];

/** The names that a list can be filtered by, each with its operators. */
export type FilterNames = Readonly<Record<string, readonly Operator[]>>;

export const EXACT: readonly Operator[] = ['=='];
export const EXACT_OR_CONTAINS: readonly Operator[] = ['==', '=@'];

/** Each condition becomes a piece of SQL; more conditions are a mistake or an attack. */
const MAX_CONDITIONS = 100;

/**
 * The query's `filter` parameters (docs/protocol/mobilefirst.md §9.1): a comma inside one means "or", several
 * parameters mean "and", a backslash escapes the comma or backslash after it. Throws FPWSE0005E.
 */
export function readFilter(query: Query, names: FilterNames): Filter {
  const filter = readTexts(query, 'filter')
    .filter((text) => text !== '')
    .map((text) => splitAtCommas(text).map((part) => readCondition(part, names)));
  if (filter.flat().length > MAX_CONDITIONS)
    throw invalidValue('filter', `at most ${MAX_CONDITIONS} conditions are allowed`);
  return filter;
}

function readCondition(text: string, names: FilterNames): Condition {
  const [, name, operator, value] = /^([^=]*)(==|=@)(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw invalidValue('filter', 'each condition is name==value or name=@value');
  const operators = Object.hasOwn(names, name) ? names[name] : undefined;
  if (!operators) throw invalidValue('filter', `this list is filtered by ${Object.keys(names).join(' or ')}`);
  if (!operators.includes(operator as Operator))
    throw invalidValue('filter', `${name} takes ${operators.join(' or ')}`);
  return { name, operator: operator as Operator, value };
}

/** The parts without escapes. A backslash before another character, or at the end, is literal. */
function splitAtCommas(text: string): string[] {
  const parts = [''];
  for (const [token] of text.matchAll(/\\[\\,]|[^]/gu)) {
    if (token === ',') parts.push('');
    else parts[parts.length - 1] += token.length > 1 && token.startsWith('\\') ? token.slice(1) : token;
  }
  return parts;
}
