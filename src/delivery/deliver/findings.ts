import type { Verdict } from '../../providers/provider.js';
import type { Results } from './invalidation-guard.js';

/** What one peer's verdicts say of devices. A provider has one peer, save Web Push, where each origin is one. */
export interface PeerFindings {
  accepted: number;
  /** Device seqs whose token the provider called dead in its own form, by reason. */
  dead: Map<string, number[]>;
  /** The same, where wrong credentials or a front end would look alike. */
  suspects: Map<string, number[]>;
}

/** What a batch's verdicts ask for beyond its own ledger. */
export interface Findings {
  /** At all peers. */
  accepted: number;
  /** By peer, '' where the provider is one. `accepted` of '' is not kept here: it is what the others leave. */
  peers: Map<string, PeerFindings>;
  stop?: { reason: string; by: PausedBy };
  /** The provider asked the application to slow down: nothing until then, epoch ms. */
  slowUntil?: number;
  /** Their host is left alone until then, epoch ms. */
  heldUntil?: number;
  /** The provider's last word of trouble. */
  lastReason?: string;
}

/** `provider`: it refused the credentials. `guard`: most of what it answered called devices dead. */
export type PausedBy = 'provider' | 'guard';

export function noFindings(): Findings {
  return { accepted: 0, peers: new Map() };
}

/** `now`: when the verdict came, epoch ms. */
export function note(findings: Findings, verdict: Verdict, seq: number, now: number): void {
  if (verdict.action === 'accept' || verdict.action === 'acceptDropped') {
    findings.accepted++;
    if (verdict.peer !== undefined) peerOf(findings, verdict.peer).accepted++;
  }
  if ('reason' in verdict) findings.lastReason = verdict.reason;
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

/** What a peer's findings are to the guard. */
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
