/** The moment at which all of it happens: a time to live is exact then. */
export const NOW = Date.parse('2026-11-25T12:00:00Z');
