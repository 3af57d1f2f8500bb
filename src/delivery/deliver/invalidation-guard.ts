/**
 * The guard on mass invalidation. A wrong environment, topic or key makes healthy tokens look dead, and so does a push
 * service or what stands before it when it is out of order. So a death that the service did not pronounce in its own form
 * ("suspect") is believed only while enough other sends of the same application at the same provider are accepted, and a
 * death that it did pronounce is believed unless nearly all of a recent send died with it.
 */
const WINDOW = 500;
/** Real churn is a few per cent; above this share suspects are not believed. */
const MAX_SUSPECT_SHARE = 0.25;
/** Fewer than this prove nothing about the credentials. */
const MIN_SUSPECTS = 20;
/** Looked at beside the window, or the whole last send where that is more: a wave after good times is one, too. */
const RECENT = 25;
/** An old address book may hold many dead tokens; that nearly all die at once is no churn. */
const WAVE_SHARE = 0.8;

/** What came of one send. */
export interface Results {
  accepted: number;
  suspects: number;
  dead: number;
}

type Kind = keyof Results;

export class InvalidationGuard {
  /** The last results, oldest first. */
  private results: Kind[] = [];
  private recent = RECENT;

  note(sent: Results): void {
    const total = sent.accepted + sent.suspects + sent.dead;
    if (total === 0) return;
    this.results = [...this.results, ...mix(sent, total)].slice(-WINDOW);
    this.recent = Math.min(WINDOW, Math.max(RECENT, total));
  }

  /** True when suspect rejections may be believed. */
  mayRetire(): boolean {
    return [this.results, this.results.slice(-this.recent)].every(
      (results) => count(results, 'suspects') <= MAX_SUSPECT_SHARE * results.length,
    );
  }

  /** True when the credentials must be taken for wrong. */
  mustPause(): boolean {
    const suspects = count(this.results, 'suspects');
    return suspects >= MIN_SUSPECTS && suspects > MAX_SUSPECT_SHARE * this.results.length;
  }

  /** True when something was accepted within the window. */
  sawAcceptance(): boolean {
    return this.results.includes('accepted');
  }

  /** True when deaths come at once that cannot be those of single devices. */
  isWave(): boolean {
    const recent = this.results.slice(-this.recent);
    const dead = recent.length - count(recent, 'accepted');
    return dead >= MIN_SUSPECTS && dead >= WAVE_SHARE * recent.length;
  }
}

/** Evenly, because a batch's results come in no order that means anything. */
function mix(sent: Results, total: number): Kind[] {
  const share = (kind: Kind, index: number): number => Math.floor((index * sent[kind]) / total);
  const kinds: Kind[] = [];
  for (let index = 0; index < total; index++)
    for (const kind of ['accepted', 'suspects', 'dead'] as const)
      for (let n = share(kind, index); n < share(kind, index + 1); n++) kinds.push(kind);
  return kinds;
}

function count(results: readonly Kind[], kind: Kind): number {
  return results.reduce((sum, each) => sum + Number(each === kind), 0);
}
