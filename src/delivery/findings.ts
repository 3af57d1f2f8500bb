import type { Verdict } from '../providers/provider.js';

/** What a batch's verdicts ask for beyond its own ledger. */
export interface Findings {
  accepted: number;
  /** Device seqs whose token the provider called dead, by reason. */
  dead: Map<string, number[]>;
  /** The same, where wrong credentials would look alike. */
  suspects: Map<string, number[]>;
  stop?: string;
  /** The provider asked the application to slow down: nothing until then, epoch ms. */
  slowUntil?: number;
  /** Their host is left alone until then, epoch ms. */
  heldUntil?: number;
  /** The provider's last word of trouble. */
  lastReason?: string;
}

export function noFindings(): Findings {
  return { accepted: 0, dead: new Map(), suspects: new Map() };
}

/** `now`: when the verdict came, epoch ms. */
export function note(findings: Findings, verdict: Verdict, seq: number, now: number): void {
  if (verdict.action === 'accept' || verdict.action === 'acceptDropped') findings.accepted++;
  if ('reason' in verdict) findings.lastReason = verdict.reason;
  if (verdict.action === 'stopApplication') findings.stop ??= verdict.reason;
  if (verdict.action === 'held') findings.heldUntil = Math.max(findings.heldUntil ?? 0, verdict.untilMs);
  if (verdict.action === 'retryAfter' && verdict.scope === 'application')
    findings.slowUntil = Math.max(findings.slowUntil ?? 0, now + verdict.afterMs);
  if (verdict.action !== 'dropDevice') return;
  const lists = verdict.certain ? findings.dead : findings.suspects;
  const list = lists.get(verdict.reason);
  if (list) list.push(seq);
  else lists.set(verdict.reason, [seq]);
}
