import { fileOf } from './setting-reader.js';
import { SETTINGS } from './settings.js';

/** The proxy for http of other programs, and not a mistyped HTTPS_PROXY. */
const OF_OTHERS = new Set(['HTTP_PROXY']);

const KNOWN = new Set(SETTINGS.flatMap(({ name, isSecret }) => (isSecret ? [name, fileOf(name)] : [name])));
/**
 * `DATABASE_`, `APNS_`, …: a variable with one of these prefixes may be a mistyped setting, or belong to another
 * program.
 */
const FAMILIES = [
  ...new Set([...KNOWN].filter((name) => name.includes('_')).map((name) => `${name.split('_')[0]}_`)),
].filter((family) => !['NODE_', 'HTTP_', 'HTTPS_', 'NO_'].includes(family));
/** Kubernetes gives every container the addresses of services: a service `queue` creates QUEUE_PORT and more. */
const NEIGHBOUR = /_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)/;

/** Names of environment variables that are not settings. */
export interface UnknownNames {
  /** Names with one edit from a setting, a sentence each: typing errors, which stop the start. */
  mistyped: string[];
  /**
   * Names with a setting's prefix: systemd sets RUNTIME_DIRECTORY, platforms set WEB_CONCURRENCY, so these are only
   * reported.
   */
  ofFamilies: string[];
}

export function findUnknown(names: readonly string[]): UnknownNames {
  const unknown: UnknownNames = { mistyped: [], ofFamilies: [] };
  for (const name of names.filter((each) => !KNOWN.has(each) && !OF_OTHERS.has(each))) {
    const meant = [...KNOWN].find((known) => isOneEditAway(name, known));
    if (meant) unknown.mistyped.push(`${name} is not a setting; did you mean ${meant}?`);
    else if (FAMILIES.some((family) => name.startsWith(family)) && !NEIGHBOUR.test(name)) unknown.ofFamilies.push(name);
  }
  return unknown;
}

/**
 * One character too many, missing or wrong, or two adjacent ones swapped. For names of four letters a wrong or missing
 * character is not counted, because the result may be another word (POST, DOC).
 */
function isOneEditAway(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  const swapped = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  if (swapped || restA.slice(1) === restB) return true;
  return b.length > 4 && (restA.slice(1) === restB.slice(1) || restA === restB.slice(1));
}
