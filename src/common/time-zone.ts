/**
 * IANA's zones and their aliases. ICU, which knows them, takes more: the zones of Java's first version (`SystemV/EST5`, and `IST`,
 * which is Israel's, India's or Ireland's), and offsets, which know no summer time.
 */
const NAME = /^[A-Za-z][\w+/-]{1,63}$/;
const NOT_IANA =
  /^(systemv\/.*|etc\/unknown|act|aet|agt|art|ast|bet|bst|cat|cnt|cst|ctt|eat|ect|iet|ist|jst|mit|net|nst|plt|pnt|prt|pst|sst|vst)$/i;

/** By name in lower case, in which callers may differ: asking costs 50 µs, and some six hundred exist. */
const known = new Map<string, string>();

/** `Europe/Kyiv`, `Europe/Kiev` and `europe/KIEV` are one zone: the name that ICU has for all of them. Undefined: it is no zone. */
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
    // A stranger's misspellings are not kept.
    return undefined;
  }
}
