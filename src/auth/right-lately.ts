import { HOUR_MS } from '../common/durations.js';
import { SecretMemory } from './secret.js';
import { Throttle } from './throttle.js';

/** A client that uses its tokens for their hour comes back within this time. */
const REMEMBER_MS = 2 * HOUR_MS;
const REMEMBER_MAX = 20_000;
/** Different wrong secrets that are compared for one client and address: 20,000 at once, then as many in a day. */
const DOUBTS = { burst: 20_000, everyMs: 4_320, maxKeys: 20_000 };

/**
 * The way in for a secret that was right at an address lately while the ordinary attempts there are spent by other callers.
 * Each comparison tells a guesser something, so wrong ones are counted, in an allowance of its own; one that is repeated
 * tells nothing new and costs nothing, so that a neighbour with an old secret cannot use the allowance up.
 */
export class RightLately {
  private readonly right = new SecretMemory(REMEMBER_MS, REMEMBER_MAX);
  private readonly wrong = new SecretMemory(REMEMBER_MS, REMEMBER_MAX);
  private readonly doubts = new Throttle(DOUBTS);

  note(network: string, clientId: string, pair: readonly [stored: string, secret: string], now: number): void {
    this.right.add(now, network, clientId);
    this.right.add(now, network, clientId, ...pair);
  }

  /** Whether clients with these ids were right from this address lately and another comparison may be made. */
  isOpen(network: string, ids: readonly string[], now: number): boolean {
    return ids.some((id) => this.right.has(now, network, id) && this.doubts.waitFor(`${network} ${id}`, now) === 0);
  }

  has(network: string, clientId: string, pair: readonly [stored: string, secret: string], now: number): boolean {
    return this.right.has(now, network, clientId, ...pair);
  }

  /** A comparison that found nothing; true when it was counted. */
  countWrong(network: string, ids: readonly string[], header: string, now: number): boolean {
    if (this.wrong.has(now, network, header)) return false;
    this.wrong.add(now, network, header);
    for (const id of ids) this.doubts.spend(`${network} ${id}`, now);
    return true;
  }
}
