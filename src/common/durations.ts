/** Durations by their unit: `_MS` in milliseconds, `_S` in seconds. */
export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export const HOUR_S = 3_600;
export const DAY_S = 24 * HOUR_S;

/**
 * The end of a certificate or a secret is a problem this long before: a person replaces it, in working days of two
 * teams.
 */
export const ENDS_SOON_DAYS = 14;
