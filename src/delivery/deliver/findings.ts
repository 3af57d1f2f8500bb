import type { Verdict } from '../../providers/provider.js';
import type { Results } from './invalidation-guard.js';

/** The verdicts about devices of one peer. A provider has one peer; for Web Push each origin is one. */
export interface PeerFindings {
  accepted: number;
  /** Device seqs whose token is certainly dead, by reason. */
  dead: Map<string, number[]>;
  /** Device seqs whose token looks dead, which wrong credentials or a front end may cause, by reason. */
  suspects: Map<string, number[]>;
}

/** The effects of a batch's verdicts beyond its own ledger. */
export interface Findings {
  /** Accepted deliveries at all peers. */
  accepted: number;
  /** By peer; '' if the provider has one. `accepted` of '' is not counted here: it is the rest of the total. */
  peers: Map<string, PeerFindings>;
  stop?: { reason: string; by: PausedBy };
  /** The provider asked the application to slow down: nothing is sent until then, epoch ms. */
  slowUntil?: number;
  /** The breaker of their host is open until then, epoch ms. */
  heldUntil?: number;
  /** The provider's last reason of a failure. */
  lastReason?: string;
  /** Why the provider could not be reached or did not do its work, for whichever device. */
  trouble?: string;
}

/** `provider`: it refused the credentials. `guard`: most answers called devices dead. */
export type PausedBy = 'provider' | 'guard';

export function noFindings(): Findings {
  return { accepted: 0, peers: new Map() };
}

/** `now`: the time of the verdict, epoch ms. */
export function note(findings: Findings, verdict: Verdict, seq: number, now: number): void {
  if (verdict.action === 'accept' || verdict.action === 'acceptDropped') {
    findings.accepted++;
    if (verdict.peer !== undefined) peerOf(findings, verdict.peer).accepted++;
  }
  if ('reason' in verdict) findings.lastReason = verdict.reason;
  if (isTrouble(verdict)) findings.trouble = verdict.reason;
  if (verdict.action === 'stopApplication') findings.stop ??= { reason: verdict.reason, by: 'provider' };
  if (verdict.action === 'held') findings.heldUntil = Math.max(findings.heldUntil ?? 0, now + verdict.forMs);
  if (verdict.action === 'retryAfter' && verdict.scope === 'application')
    findings.slowUntil = Math.max(findings.slowUntil ?? 0, now + verdict.afterMs);
  if (verdict.action !== 'dropDevice') return;
  const { dead, suspects } = peerOf(findings, verdict.peer ?? '');
  const lists = verdict.certain ? dead : suspects;
  const list = lists.get(verdict.reason);
  if (list) list.push(seq);
  else lists.set(verdict.reason, [seq]);
}

type Trouble = Extract<Verdict, { action: 'retryBackoff' | 'ambiguous' | 'held' | 'retryAfter' }>;

function isTrouble(verdict: Verdict): verdict is Trouble {
  if (verdict.action === 'retryAfter') return verdict.scope === 'host';
  return verdict.action === 'retryBackoff' || verdict.action === 'ambiguous' || verdict.action === 'held';
}

/** The results of one peer for the guard. */
export function resultsOf(findings: Findings, peer: string): Results {
  const { accepted, dead, suspects } = peerOf(findings, peer);
  const others = [...findings.peers.values()].reduce((sum, each) => sum + each.accepted, 0);
  return {
    accepted: peer === '' ? findings.accepted - others : accepted,
    dead: sizeOf(dead),
    suspects: sizeOf(suspects),
  };
}

function peerOf(findings: Findings, peer: string): PeerFindings {
  let known = findings.peers.get(peer);
  if (known === undefined) findings.peers.set(peer, (known = { accepted: 0, dead: new Map(), suspects: new Map() }));
  return known;
}

function sizeOf(lists: PeerFindings['dead']): number {
  return [...lists.values()].reduce((sum, seqs) => sum + seqs.length, 0);
}
