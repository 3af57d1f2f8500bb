/** The outcome of one delivery. The number is the byte that the ledger stores: append only. */
export const OUTCOME = {
  pending: 0,
  inFlight: 1,
  accepted: 2,
  rejected: 3,
  failed: 4,
  expired: 5,
  cancelled: 6,
  unknown: 7,
} as const;
export type OutcomeName = keyof typeof OUTCOME;
export type OutcomeCode = (typeof OUTCOME)[OutcomeName];

/** Position = code. */
export const OUTCOME_NAMES = Object.keys(OUTCOME) as OutcomeName[];

/**
 * Allowed transitions. A settled outcome stays, except that an unknown delivery may be repeated. A delivery in flight
 * becomes pending only if it was certainly not processed.
 */
const EDGES: Record<OutcomeCode, readonly OutcomeCode[]> = {
  [OUTCOME.pending]: [OUTCOME.inFlight, OUTCOME.expired, OUTCOME.cancelled],
  [OUTCOME.inFlight]: [
    OUTCOME.pending,
    OUTCOME.accepted,
    OUTCOME.rejected,
    OUTCOME.failed,
    OUTCOME.expired,
    OUTCOME.cancelled,
    OUTCOME.unknown,
  ],
  [OUTCOME.accepted]: [],
  [OUTCOME.rejected]: [],
  [OUTCOME.failed]: [],
  [OUTCOME.expired]: [],
  [OUTCOME.cancelled]: [],
  [OUTCOME.unknown]: [OUTCOME.inFlight],
};

export function mayBecome(from: OutcomeCode, to: OutcomeCode): boolean {
  return EDGES[from].includes(to);
}
