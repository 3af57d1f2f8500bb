import type { AuditEvent } from '../auth/audit.repository.js';
import type { Chain, ChainedEvent } from './chain.repository.js';
import { chainHash } from './chain-hash.js';

/** Whether the chain of the audit is whole, pure. */

/** An event of an earlier day, kept elsewhere. */
export interface Checkpoint {
  seq: number;
  hash: string;
}

/** So many hashes are tried for an event that does not follow from the one before: rows may have been exchanged. */
const LOOK_BACK = 20;
/** A whole trail that was written anew would otherwise be a line for each event. */
const MOST_PROBLEMS = 100;

/** Takes the events in the order of the chain; `end` returns the faults, a line each. */
export class Verification {
  private readonly problems: string[] = [];
  private readonly recent: Buffer[];
  private readonly wanted = new Map<number, string>();
  private fold: { to?: unknown; hash?: unknown } = {};
  private next: number;
  /** Checkpoints that were compared. */
  compared = 0;
  /** Checkpoints of events that were removed by their age. */
  outdated = 0;
  count = 0;

  constructor(
    private readonly chain: Chain,
    checkpoints: readonly Checkpoint[],
  ) {
    this.next = chain.foldedSeq + 1;
    this.recent = [chain.foldedHash];
    for (const { seq, hash } of checkpoints) {
      if (seq < chain.foldedSeq) this.outdated++;
      else this.wanted.set(seq, hash);
    }
    this.compare(chain.foldedSeq, chain.foldedHash);
  }

  add(event: ChainedEvent): void {
    const { seq, hash } = event;
    this.count++;
    if (seq < this.next) this.report(`${nameOf(event)} was put in by hand, before the beginning of the chain`);
    else if (seq > this.next) this.report(`${range(this.next, seq - 1)} missing: removed by hand`);
    const isGap = seq !== this.next;
    const follows = this.recent.findLastIndex((before) => chainHash(before, event, seq).equals(hash));
    // Behind a gap the hash before is not known, and the event itself cannot be told from a changed one.
    if (follows < 0 && !isGap)
      this.report(`${nameOf(event)} was changed by hand, exchanged, or is behind an exchanged one`);
    this.recent.push(hash);
    if (follows < 0) this.recent.push(chainHash(this.recent.at(-2)!, event, seq));
    this.recent.splice(0, this.recent.length - LOOK_BACK);
    this.next = seq + 1;
    this.compare(seq, hash);
    this.noteFold(event);
  }

  end(waiting: readonly AuditEvent[]): string[] {
    const { seq, hash, foldedSeq, foldedHash } = this.chain;
    for (const event of waiting) this.noteFold(event);
    if (this.next <= seq) this.report(`${range(this.next, seq)} missing at the end: removed by hand`);
    else if (this.next > seq + 1)
      this.report(`${range(seq + 1, this.next - 1)} not of the chain: put in by hand at the end`);
    else if (this.problems.length === 0 && !this.recent.at(-1)!.equals(hash))
      this.report(`The end of the chain (event ${seq}) was changed by hand`);
    if (foldedSeq > 0 && !(this.fold.to === foldedSeq && this.fold.hash === foldedHash.toString('hex')))
      this.report(`The events up to ${foldedSeq} are missing, and no event says that they were removed by their age`);
    for (const missing of this.wanted.keys())
      this.report(`A checkpoint has event ${missing}, which is not in the chain: the chain was cut, or is another one`);
    return this.problems;
  }

  private compare(seq: number, hash: Buffer): void {
    const wanted = this.wanted.get(seq);
    if (wanted === undefined) return;
    this.wanted.delete(seq);
    this.compared++;
    if (wanted !== hash.toString('hex'))
      this.report(`Event ${seq} is not the one of a checkpoint: the chain was written anew`);
  }

  private noteFold({ action, detail }: AuditEvent): void {
    if (action === 'audit.fold' && Number(detail.to) >= Number(this.fold.to ?? 0)) this.fold = detail;
  }

  private report(problem: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(problem);
  }
}

function nameOf({ seq, action, actor, at }: ChainedEvent): string {
  return `Event ${seq} (${action} of ${actor.clientId} at ${at.toISOString()})`;
}

function range(first: number, last: number): string {
  return first === last ? `Event ${first} is` : `Events ${first} to ${last} are`;
}
