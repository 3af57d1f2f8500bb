/** The time of every request, so that a time to live is exact. */
export const NOW = Date.parse('2026-11-25T12:00:00Z');
