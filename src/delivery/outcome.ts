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
 * Where an outcome may go. Settled ones stay, except that an unknown delivery may be written again. In flight goes back
 * to pending only on the provider's word that nothing was processed.
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
