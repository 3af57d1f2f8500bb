import { isIPv6 } from 'node:net';

/** How often somebody may be wrong, pure: values and times in, values out. */

export interface Allowance {
  /** Attempts at once. */
  burst: number;
  /** One attempt comes back in this time. */
  everyMs: number;
  /** Keys remembered. Beyond, the one that spent least recently is forgotten, which forgives it its attempts. */
  maxKeys: number;
}

/** A bucket per key, kept as the one time at which it will be full again (the generic cell rate algorithm). */
export class Throttle {
  /** Epoch milliseconds by key, least recently spent first. */
  private readonly fullAgain = new Map<string, number>();

  constructor(private readonly allowance: Allowance) {}

  get size(): number {
    return this.fullAgain.size;
  }

  /** Milliseconds until there is an attempt to spend; 0: now. */
  waitFor(key: string, now: number): number {
    const { burst, everyMs } = this.allowance;
    return Math.max(0, (this.fullAgain.get(key) ?? now) - now - (burst - 1) * everyMs);
  }

  spend(key: string, now: number): void {
    const fullAgain = Math.max(this.fullAgain.get(key) ?? now, now) + this.allowance.everyMs;
    this.fullAgain.delete(key);
    this.makeRoom(now);
    this.fullAgain.set(key, fullAgain);
  }

  /** Takes one `spend` back. */
  refund(key: string, now: number): void {
    const fullAgain = (this.fullAgain.get(key) ?? now) - this.allowance.everyMs;
    if (fullAgain <= now) this.fullAgain.delete(key);
    else this.fullAgain.set(key, fullAgain);
  }

  /** Two leave for each that comes, as long as they have no debt, so that the debts of a flood fade behind it. */
  private makeRoom(now: number): void {
    let looked = 0;
    for (const [key, fullAgain] of this.fullAgain) {
      if (fullAgain > now && this.fullAgain.size < this.allowance.maxKeys) return;
      this.fullAgain.delete(key);
      if (++looked === 2) return;
    }
  }
}

/** Whom an address stands for: itself, or for IPv6 its network of 64 bits, which one customer has to itself. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [left = '', right = ''] = address.split('%')[0]!.split('::');
  const [head, tail] = [left, right].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = address.includes('::') ? Math.max(0, 8 - head!.length - tail!.length) : 0;
  return [...head!, ...new Array<string>(zeros).fill('0'), ...tail!]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
