export const RANGES = ['hour', 'day', 'month'] as const;
export type Range = (typeof RANGES)[number];

/** The time range of the chart, as it stands in the address; a day by default. */
export function overviewAddress({ range }: Record<string, unknown>): { range?: Range } {
  return RANGES.includes(range as Range) ? { range: range as Range } : {};
}
