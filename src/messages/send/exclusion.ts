import { BROADCAST_TAG } from '../../devices/audience.repository.js';
import { missingName } from '../../providers/placeholders.js';

/** Why devices of a target get nothing, besides the reasons for which they are retired. Pure. */

export const OTHER_PLATFORM = 'another platform';
export const UNSUBSCRIBED = `not subscribed to ${BROADCAST_TAG}`;

export const EXCLUSION_CODES = ['otherPlatform', 'unsubscribed', 'missingValue', 'retired'] as const;

export interface Exclusion {
  code: (typeof EXCLUSION_CODES)[number];
  /** As in `excluded`. */
  reason: string;
  count: number;
  /** Of `missingValue`. */
  placeholder?: string;
}

/** The same counts with codes. A reason of none of these forms is one for which devices are retired. */
export function exclusionsOf(excluded: Readonly<Record<string, number>>): Exclusion[] {
  return Object.entries(excluded).map(([reason, count]) => {
    if (reason === OTHER_PLATFORM) return { code: 'otherPlatform', reason, count };
    if (reason === UNSUBSCRIBED) return { code: 'unsubscribed', reason, count };
    const placeholder = missingName(reason);
    if (placeholder !== undefined) return { code: 'missingValue', reason, count, placeholder };
    return { code: 'retired', reason, count };
  });
}
