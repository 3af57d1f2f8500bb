import { createHash } from 'node:crypto';

/** Colours of the console's theme, without red, which is production's. */
const COLOURS = ['grape', 'indigo', 'cyan', 'lime', 'pink', 'violet', 'blue'] as const;

export interface Environment {
  name: string;
  /** A colour of the console's theme. Null: none, for development. */
  colour: string | null;
}

/** The colour follows from the name: the usual names have a usual colour, another name always has the same one. */
export function describeEnvironment(name: string): Environment {
  const colour = colourOf(name.toLowerCase());
  return { name, colour };
}

function colourOf(name: string): string | null {
  // A name such as "pre-production" or "non-prod" is no production.
  if (/prod/.test(name) && !/(pre|non|not)\W?prod/.test(name)) return 'red';
  if (/stag|pre\W?prod|accept/.test(name)) return 'orange';
  if (/test|integration|\bqa\b/.test(name)) return 'teal';
  if (/^(dev|local)/.test(name)) return null;
  const first = createHash('sha256').update(name).digest()[0] ?? 0;
  return COLOURS[first % COLOURS.length] ?? null;
}
