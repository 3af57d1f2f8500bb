/** In the order in which a bar shows them: settled well, settled badly, open. */
export const OUTCOMES = [
  'accepted',
  'rejected',
  'failed',
  'expired',
  'cancelled',
  'unknown',
  'inFlight',
  'pending',
] as const;
export type Outcome = (typeof OUTCOMES)[number];
export type Outcomes = Readonly<Record<string, number>>;
