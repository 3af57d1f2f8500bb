import type { DeliveryDetails } from '../database/tables.js';
import { OUTCOME, OUTCOME_NAMES, mayBecome } from './outcome.js';
import type { OutcomeCode } from './outcome.js';
import { afterAmbiguous } from './retry-policy.js';
import type { Decision, Situation } from './retry-policy.js';

/** Retries of one batch are joined if they are due within this share of the wait; GROUPING_FLOOR_MS is the minimum. */
const GROUPING_SHARE = 0.125;
const GROUPING_FLOOR_MS = 500;

/** The message's facts that decide what may be sent. */
export interface AttemptTerms {
  now: number;
  acceptedAt: number;
  expiresAt: number;
  onUnknown: 'resend' | 'hold';
  cancelled: boolean;
}

/**
 * The outcomes of one batch: a byte per device, and details for deliveries with failures. Every change goes through
 * `move`, which refuses transitions that the outcome graph does not allow, so the sum always equals the audience.
 */
export class BatchLedger {
  /**
   * Positions that are repeated although an earlier write may have arrived. After a crash these are in flight, and so
   * unknown.
   */
  private readonly again = new Set<number>();
  /** Deliveries per outcome when they were last counted. */
  private counted: number[];

  constructor(
    readonly outcomes: Buffer,
    readonly details: DeliveryDetails,
  ) {
    this.counted = this.counts();
  }

  /**
   * Starts an attempt. Deliveries in flight of a lost worker become unknown; expired and cancelled ones are settled; at
   * most `limit` due ones are marked in flight and returned by position, searched from `start` on and around.
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

  /** Upper bound of the deliveries that `begin` would mark in flight, whatever the terms. */
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

  /** Deliveries in flight of a lost worker become unknown, to be repeated if the message's policy allows it. */
  settleLost(terms: AttemptTerms): void {
    for (const [position, outcome] of this.outcomes.entries())
      if (outcome === OUTCOME.inFlight) this.lose(position, terms, whyOver(terms) !== null);
  }

  /** The input of the retry policy for a verdict on this delivery, which was written just now. */
  situation(position: number, terms: AttemptTerms, now: number, random: number): Situation {
    const { acceptedAt, expiresAt, onUnknown } = terms;
    return { attempts: (this.details[position]?.attempts ?? 0) + 1, now, acceptedAt, expiresAt, onUnknown, random };
  }

  /** Records the outcome of a delivery in flight. `written`: it counts as an attempt. */
  record(position: number, made: Decision, written: boolean): void {
    const decision = this.again.size > 0 && this.again.delete(position) ? afterUnknown(made, written) : made;
    this.move(position, decision.outcome);
    const before = this.details[position];
    const { reason, retryAt, receipt } = decision;
    // The usual case, accepted at the first attempt, has no details.
    if (reason === undefined && retryAt === undefined && receipt === undefined && !before) return;
    this.details[position] = {
      attempts: (before?.attempts ?? 0) + (written ? 1 : 0),
      reason: reason ?? before?.reason,
      retryAt,
      receipt,
    };
  }

  /** Of the positions from `begin`, those without an outcome were never written: they return to their earlier state. */
  giveBack(positions: readonly number[]): void {
    for (const position of positions)
      if (this.at(position) === OUTCOME.inFlight) this.record(position, { outcome: OUTCOME.pending }, false);
  }

  /** Moves planned retries after a step of the clock. */
  moveRetries(byMs: number): void {
    for (const detail of Object.values(this.details)) if (detail.retryAt) detail.retryAt += byMs;
  }

  /** Deliveries per outcome, position = code. */
  counts(): number[] {
    const counts = OUTCOME_NAMES.map(() => 0);
    for (const outcome of this.outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  }

  /** Deliveries per outcome that have come since the last call; an unknown one that is repeated does not go. */
  takeNews(): number[] {
    const before = this.counted;
    this.counted = this.counts();
    return this.counted.map((count, outcome) => Math.max(0, count - (before[outcome] ?? 0)));
  }

  /**
   * The time of the next attempt, epoch ms; null if all are settled. `unsentAt`: for deliveries without a time of their
   * own. Retries that are due close together wait for the last of them: because of jitter, each would be a separate
   * attempt.
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

  /** A worker was lost between writing and recording: the delivery may have arrived. */
  private lose(position: number, terms: AttemptTerms, over: boolean): void {
    const situation = this.situation(position, terms, terms.now, 0);
    const decision = afterAmbiguous('the worker was lost', situation);
    // The wait after an ambiguous answer has passed already, because the lease had to expire first.
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

/**
 * Only the provider's answer to this write ends the doubt about an earlier one: without it, the delivery stays unknown.
 */
function afterUnknown(decision: Decision, written: boolean): Decision {
  const { outcome } = decision;
  const told = outcome === OUTCOME.accepted || outcome === OUTCOME.rejected || outcome === OUTCOME.failed;
  if (written && told) return decision;
  const waits = outcome === OUTCOME.pending;
  return { ...decision, outcome: OUTCOME.unknown, retryAt: decision.retryAt ?? (waits ? 0 : undefined) };
}
