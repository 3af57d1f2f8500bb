import { MINUTE_MS } from '../../common/durations.js';
import type { Verdict } from '../provider.js';

/** Refusals of the key in a row that are believed for one origin. */
const REFUSALS = 3;
/** Uncertain removals in a row at one origin: a wrong key looks like this, and a front end too. */
const DOUBTS = 20;
/** Number of refusing origins that shows that the key is wrong, if no origin has accepted. */
const SEVERAL = 2;
/** Origins remembered. A forgotten origin costs some retries. */
const KEPT = 256;
/** Wait until a delivery whose origin refused the key is repeated. */
const AGAIN_MS = 5_000;
const REFUSED_FLOOR_MS = 30_000;
const REFUSED_CAP_MS = 10 * MINUTE_MS;

interface AtOrigin {
  accepted: boolean;
  refusals: number;
  doubts: number;
}

/** A verdict after earlier answers were considered. `refused`: the reason to leave the origin alone. */
export interface Judged {
  verdict: Verdict;
  refused?: string;
}

/**
 * Tracks how the origins of browsers answer to one application's VAPID key. Any https origin may be one, so an answer
 * counts for its own origin; the application stops only if several refuse and none has accepted.
 */
export class Standing {
  private readonly origins = new Map<string, AtOrigin>();
  private readonly refusing = new Set<string>();
  private everAccepted = false;

  /** `suspectKey`: the answer may mean a wrong key or a subscription that was made with another key. */
  judge(origin: string, verdict: Verdict, suspectKey: boolean): Judged {
    const { action } = verdict;
    if (action === 'accept' || action === 'acceptDropped') {
      this.everAccepted = true;
      this.refusing.delete(origin);
      this.remember(origin, { accepted: true, refusals: 0, doubts: 0 });
      return { verdict };
    }
    const at = this.origins.get(origin) ?? { accepted: false, refusals: 0, doubts: 0 };
    if (action === 'stopApplication' && suspectKey && at.accepted) {
      // The origin has accepted the key before, so the subscription was made with another key.
      return this.doubt(origin, at, { action: 'dropDevice', reason: verdict.reason, certain: false });
    }
    if (action === 'dropDevice' && !verdict.certain) return this.doubt(origin, at, verdict);
    if (action !== 'stopApplication') return { verdict };
    this.remember(origin, { ...at, refusals: at.refusals + 1 });
    const { reason } = verdict;
    if (at.refusals + 1 < REFUSALS) return { verdict: { action: 'retryBackoff', reason, floorMs: AGAIN_MS } };
    return this.refuse(origin, reason, {
      action: 'retryBackoff',
      reason,
      floorMs: REFUSED_FLOOR_MS,
      capMs: REFUSED_CAP_MS,
    });
  }

  private doubt(origin: string, at: AtOrigin, verdict: Extract<Verdict, { action: 'dropDevice' }>): Judged {
    this.remember(origin, { ...at, doubts: at.doubts + 1 });
    return at.doubts + 1 < DOUBTS ? { verdict } : this.refuse(origin, verdict.reason, verdict);
  }

  private refuse(origin: string, reason: string, verdict: Verdict): Judged {
    this.refusing.add(origin);
    if (this.everAccepted || this.refusing.size < SEVERAL) return { verdict, refused: reason };
    const hosts = [...this.refusing].map((each) => new URL(each).host.slice(0, 100)).slice(0, 3);
    // After the application resumes, every origin is tried again.
    this.refusing.clear();
    this.origins.clear();
    return { verdict: { action: 'stopApplication', reason: `${reason}; refused by ${hosts.join(', ')}` } };
  }

  private remember(origin: string, at: AtOrigin): void {
    this.origins.delete(origin);
    this.origins.set(origin, at);
    const [oldest] = this.origins.keys();
    if (this.origins.size <= KEPT || oldest === undefined) return;
    this.origins.delete(oldest);
    this.refusing.delete(oldest);
  }
}
