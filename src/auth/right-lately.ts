import { HOUR_MS } from '../common/durations.js';
import { SecretMemory } from './secret.js';
import { Throttle } from './throttle.js';

/** A client that uses each token for its hour authenticates again within this time. */
const REMEMBER_MS = 2 * HOUR_MS;
const REMEMBER_MAX = 20_000;
/** Different wrong secrets that are compared for one client and address: 20,000 at once, then as many per day. */
const DOUBTS = { burst: 20_000, everyMs: 4_320, maxKeys: 20_000 };

/**
 * Lets a client in whose secret was right at an address lately, while the ordinary attempts of the address are spent by
 * other callers. Each comparison is information for an attacker, so that wrong secrets are counted in an allowance of
 * their own. A repeated wrong secret is not counted again: it gives no information, and a neighbour with an old secret
 * must not use up the allowance.
 */
export class RightLately {
  private readonly right = new SecretMemory(REMEMBER_MS, REMEMBER_MAX);
  private readonly wrong = new SecretMemory(REMEMBER_MS, REMEMBER_MAX);
  private readonly doubts = new Throttle(DOUBTS);

  note(network: string, clientId: string, pair: readonly [stored: string, secret: string], now: number): void {
    this.right.add(now, network, clientId);
    this.right.add(now, network, clientId, ...pair);
  }

  /** Whether a client with one of these ids was right from this address lately and another comparison is allowed. */
  isOpen(network: string, ids: readonly string[], now: number): boolean {
    return ids.some((id) => this.right.has(now, network, id) && this.doubts.waitFor(`${network} ${id}`, now) === 0);
  }

  has(network: string, clientId: string, pair: readonly [stored: string, secret: string], now: number): boolean {
    return this.right.has(now, network, clientId, ...pair);
  }

  /** Counts a comparison without a match; false if the same header was counted before. */
  countWrong(network: string, ids: readonly string[], header: string, now: number): boolean {
    if (this.wrong.has(now, network, header)) return false;
    this.wrong.add(now, network, header);
    for (const id of ids) this.doubts.spend(`${network} ${id}`, now);
    return true;
  }
}
