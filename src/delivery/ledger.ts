import type { DeliveryDetails } from '../database/tables.js';
import { OUTCOME, OUTCOME_NAMES, mayBecome } from './outcome.js';
import type { OutcomeCode } from './outcome.js';
import { afterAmbiguous } from './retry-policy.js';
import type { Decision, Situation } from './retry-policy.js';

/** Retries of one batch are made together when they are due within this share of the wait, and no less than that. */
const GROUPING_SHARE = 0.125;
const GROUPING_FLOOR_MS = 500;

/** What a message's own state allows its deliveries. */
export interface AttemptTerms {
  now: number;
  acceptedAt: number;
  expiresAt: number;
  onUnknown: 'resend' | 'hold';
  cancelled: boolean;
}

/**
 * The account of one batch: an outcome byte per device, and details for those that had trouble. Every change goes
 * through `move`, which refuses what the outcome graph does not allow, so the sum is the audience at any moment.
 */
export class BatchLedger {
  /** Being written again although an earlier write may have arrived. A crash leaves these in flight, and so unknown. */
  private readonly again = new Set<number>();

  constructor(
    readonly outcomes: Buffer,
    readonly details: DeliveryDetails,
  ) {}

  /**
   * Starts an attempt. Deliveries left in flight by a lost worker become unknown; expired and cancelled ones settle;
   * what is due now is marked in flight, at most `limit` of it, and returned by position; looked for from `start` on, and
   * round to it.
   */
  begin(terms: AttemptTerms, limit = Infinity, start = 0): number[] {
    this.settleLost(terms);
    const due: number[] = [];
    const over = whyOver(terms);
    const { length } = this.outcomes;
    for (let step = 0; step < length; step++) {
      const position = start + step < length ? start + step : start + step - length;
      const outcome = this.at(position);
      if (outcome !== OUTCOME.pending && outcome !== OUTCOME.unknown) continue;
      const detail = this.details[position];
      if (over !== null) {
        if (outcome === OUTCOME.pending) this.move(position, over);
        if (detail) delete detail.retryAt;
        continue;
      }
      if (outcome === OUTCOME.unknown && detail?.retryAt === undefined) continue;
      if ((detail?.retryAt ?? 0) > terms.now || due.length >= limit) continue;
      if (detail) delete detail.retryAt;
      if (outcome === OUTCOME.unknown) this.again.add(position);
      this.move(position, OUTCOME.inFlight);
      due.push(position);
    }
    return due;
  }

  /** How many `begin` would mark in flight, whatever the terms; an upper bound where some are about to settle. */
  countDue(now: number): number {
    let count = 0;
    for (let position = 0; position < this.outcomes.length; position++) {
      const outcome = this.at(position);
      const retryAt = this.details[position]?.retryAt;
      const isDue = (retryAt ?? 0) <= now;
      if (outcome === OUTCOME.inFlight || (outcome === OUTCOME.pending && isDue)) count++;
      else if (outcome === OUTCOME.unknown && retryAt !== undefined && isDue) count++;
    }
    return count;
  }

  /** What a lost worker left in flight becomes unknown, to be written again where the message's policy says so. */
  settleLost(terms: AttemptTerms): void {
    for (const [position, outcome] of this.outcomes.entries())
      if (outcome === OUTCOME.inFlight) this.lose(position, terms, whyOver(terms) !== null);
  }

  /** The situation that a verdict on this delivery is decided in, when it was written just now. */
  situation(position: number, terms: AttemptTerms, now: number, random: number): Situation {
    const { acceptedAt, expiresAt, onUnknown } = terms;
    return { attempts: (this.details[position]?.attempts ?? 0) + 1, now, acceptedAt, expiresAt, onUnknown, random };
  }

  /** Records what became of a delivery that was in flight. `written`: it counts as an attempt. */
  record(position: number, made: Decision, written: boolean): void {
    const decision = this.again.size > 0 && this.again.delete(position) ? afterUnknown(made, written) : made;
    this.move(position, decision.outcome);
    const before = this.details[position];
    const { reason, retryAt, receipt } = decision;
    // The usual case, accepted at the first attempt, has nothing to tell.
    if (reason === undefined && retryAt === undefined && receipt === undefined && !before) return;
    this.details[position] = {
      attempts: (before?.attempts ?? 0) + (written ? 1 : 0),
      reason: reason ?? before?.reason,
      retryAt,
      receipt,
    };
  }

  /** Of the positions that `begin` answered, those without a word yet were never written: they wait as before. */
  giveBack(positions: readonly number[]): void {
    for (const position of positions)
      if (this.at(position) === OUTCOME.inFlight) this.record(position, { outcome: OUTCOME.pending }, false);
  }

  /** The clock by which the next tries were planned has been set since. */
  moveRetries(byMs: number): void {
    for (const detail of Object.values(this.details)) if (detail.retryAt) detail.retryAt += byMs;
  }

  /** Deliveries per outcome, position = code. */
  counts(): number[] {
    const counts = OUTCOME_NAMES.map(() => 0);
    for (const outcome of this.outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  }

  /**
   * When to try again, epoch ms; null when all are settled. `unsentAt` is for deliveries that wait for nothing of their
   * own. Retries that are due soon after each other wait for the last of them: jitter would make each an attempt alone.
   */
  nextDue(now: number, unsentAt = 0): number | null {
    const times: number[] = [];
    for (let position = 0; position < this.outcomes.length; position++) {
      const outcome = this.at(position);
      const retryAt = this.details[position]?.retryAt;
      if (outcome === OUTCOME.unknown && retryAt === undefined) continue;
      if (outcome !== OUTCOME.pending && outcome !== OUTCOME.inFlight && outcome !== OUTCOME.unknown) continue;
      times.push(retryAt || unsentAt);
    }
    if (times.length === 0) return null;
    const first = times.reduce((least, time) => Math.min(least, time));
    const together = first + Math.max(GROUPING_FLOOR_MS, (first - now) * GROUPING_SHARE);
    return times.reduce((last, time) => (time <= together ? Math.max(last, time) : last), first);
  }

  /** A worker was lost between writing and recording: it may have arrived. */
  private lose(position: number, terms: AttemptTerms, over: boolean): void {
    const situation = this.situation(position, terms, terms.now, 0);
    const decision = afterAmbiguous('the worker was lost', situation);
    // The wait of an ambiguous answer has passed already: the lease had to run out first.
    const again = decision.retryAt !== undefined && !over ? terms.now : undefined;
    this.record(position, { ...decision, retryAt: again }, true);
  }

  private at(position: number): OutcomeCode {
    return this.outcomes[position] as OutcomeCode;
  }

  private move(position: number, to: OutcomeCode): void {
    const from = this.at(position);
    if (!mayBecome(from, to))
      throw new Error(`A delivery cannot go from ${OUTCOME_NAMES[from]} to ${OUTCOME_NAMES[to]}`);
    this.outcomes[position] = to;
  }
}

function whyOver(terms: AttemptTerms): OutcomeCode | null {
  if (terms.cancelled) return OUTCOME.cancelled;
  return terms.now >= terms.expiresAt ? OUTCOME.expired : null;
}

/** Only the provider's word on this write ends the doubt about an earlier one: it is never called unsent again. */
function afterUnknown(decision: Decision, written: boolean): Decision {
  const { outcome } = decision;
  const told = outcome === OUTCOME.accepted || outcome === OUTCOME.rejected || outcome === OUTCOME.failed;
  if (written && told) return decision;
  const waits = outcome === OUTCOME.pending;
  return { ...decision, outcome: OUTCOME.unknown, retryAt: decision.retryAt ?? (waits ? 0 : undefined) };
}
