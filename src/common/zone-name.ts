/**
 * Accepts IANA's zones and their aliases. ICU also accepts zones of Java 1 (`SystemV/EST5`, and the ambiguous `IST`:
 * Israel, India or Ireland), and offsets, which have no summer time.
 */
const NAME = /^[A-Za-z][\w+/-]{1,63}$/;
const NOT_IANA =
  /^(systemv\/.*|etc\/unknown|act|aet|agt|art|ast|bet|bst|cat|cnt|cst|ctt|eat|ect|iet|ist|jst|mit|net|nst|plt|pnt|prt|pst|sst|vst)$/i;

/** Canonical names by name in lower case. A question to ICU costs 50 µs; some six hundred names exist. */
const known = new Map<string, string>();

/**
 * ICU's canonical name: one for `Europe/Kyiv`, `Europe/Kiev` and `europe/KIEV`. Undefined if the name is not a zone.
 */
export function canonicalZone(name: string): string | undefined {
  const key = name.toLowerCase();
  const found = known.get(key);
  if (found !== undefined) return found;
  if (!NAME.test(name) || NOT_IANA.test(name)) return undefined;
  try {
    const canonical = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    known.set(key, canonical);
    return canonical;
  } catch {
    // Unknown names are not cached: they come from outside and have no limit.
    return undefined;
  }
}
