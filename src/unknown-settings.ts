import { SETTINGS } from './settings.js';

const KNOWN = new Set(SETTINGS.map((setting) => setting.name));
/** `DATABASE_`, `APNS_`, …: a variable of one of these families that is no setting is a typing error, not another program's. */
const FAMILIES = [
  ...new Set([...KNOWN].filter((name) => name.includes('_')).map((name) => `${name.split('_')[0]}_`)),
].filter((family) => family !== 'NODE_' && family !== 'HTTP_');
/** Kubernetes gives every container the addresses of its neighbours: a service `queue` makes QUEUE_PORT and more. */
const NEIGHBOUR = /_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)/;

/** What is wrong with the names of environment variables, a sentence each: those that are nearly a setting, or look like one. */
export function namesUnknown(names: readonly string[]): string[] {
  return names
    .filter((name) => !KNOWN.has(name))
    .flatMap((name) => {
      const meant = [...KNOWN].find((known) => known.length >= 5 && isOneEditAway(name, known));
      if (meant) return [`${name} is not a setting; did you mean ${meant}?`];
      const isOfFamily = FAMILIES.some((family) => name.startsWith(family)) && !NEIGHBOUR.test(name);
      return isOfFamily ? [`${name} is not a setting`] : [];
    });
}

/** One character too many, too few or wrong. */
function isOneEditAway(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1);
}
