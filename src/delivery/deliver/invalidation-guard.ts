/**
 * The guard against mass removal. A wrong environment, topic or key makes live tokens look dead, and so does a faulty
 * push service or front end. So an uncertain removal ("suspect") is believed only while enough other sends of the same
 * application at the same provider are accepted; a certain removal is believed unless nearly all of a recent send died
 * with it. WINDOW: results that are remembered.
 */
const WINDOW = 500;
/** Normally a few per cent of tokens die; above this share, suspects are not believed. */
const MAX_SUSPECT_SHARE = 0.25;
/** Fewer suspects than this prove nothing about the credentials. */
const MIN_SUSPECTS = 20;
/** Checked beside the window, or the whole last send if that is longer, to notice a wave after accepted sends. */
const RECENT = 25;
/** An old address book may contain many dead tokens, but nearly all of them do not die at once. */
const WAVE_SHARE = 0.8;

/** The results of one send. */
export interface Results {
  accepted: number;
  suspects: number;
  dead: number;
}

type Kind = keyof Results;

export class InvalidationGuard {
  /** The last results, oldest first: up to two windows, so that a single message moves none of them. */
  private kept: Kind[] = [];
  private recent = RECENT;

  note(sent: Results): void {
    const total = sent.accepted + sent.suspects + sent.dead;
    if (total === 0) return;
    for (const kind of mix(sent, total)) this.kept.push(kind);
    if (this.kept.length > 2 * WINDOW) this.kept = this.results;
    this.recent = Math.min(WINDOW, Math.max(RECENT, total));
  }

  private get results(): Kind[] {
    return this.kept.slice(-WINDOW);
  }

  /** True if suspect removals may be believed. */
  mayRetire(): boolean {
    const { results } = this;
    return [results, results.slice(-this.recent)].every(
      (results) => count(results, 'suspects') <= MAX_SUSPECT_SHARE * results.length,
    );
  }

  /** True if the credentials must be wrong. */
  mustPause(): boolean {
    const { results } = this;
    const suspects = count(results, 'suspects');
    return suspects >= MIN_SUSPECTS && suspects > MAX_SUSPECT_SHARE * results.length;
  }

  /** True if a delivery within the window was accepted. */
  sawAcceptance(): boolean {
    return this.results.includes('accepted');
  }

  /** True if so many tokens died at once that the cause is not the single devices. */
  isWave(): boolean {
    const recent = this.results.slice(-this.recent);
    const dead = recent.length - count(recent, 'accepted');
    return dead >= MIN_SUSPECTS && dead >= WAVE_SHARE * recent.length;
  }
}

/** Mixes the results evenly, because the order within a batch has no meaning. */
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
