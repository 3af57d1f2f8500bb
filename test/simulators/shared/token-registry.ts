/** `open`: every well-formed token is known; `strict`: only registered ones. */
export type TokenMode = 'open' | 'strict';

export interface TokenState {
  /** The provider's reason for the fault; absent if the token is valid. */
  reason?: string;
  /** Epoch ms since which the token is invalid, for APNs' 410. */
  timestamp?: number;
  /** The only topic it belongs to (APNs). */
  topic?: string;
}

/**
 * Tokens with a fixed fate. A token that begins with `dead` and four digits has its fate in its name (`dead0410…`), so
 * that a test need not register it; a random token begins so with a probability of 1 to 2^32.
 */
export class TokenRegistry {
  mode: TokenMode = 'open';
  private readonly states = new Map<string, TokenState>();
  private readonly minutes = new Map<string, { startedAt: number; count: number }>();

  constructor(private readonly reasonByName: Readonly<Record<string, string>>) {}

  register(token: string, topic?: string): void {
    this.states.set(token, topic === undefined ? {} : { topic });
  }

  kill(token: string, reason: string, timestamp: number): void {
    this.states.set(token, { reason, timestamp });
  }

  /** Undefined if this provider does not know the token. */
  find(token: string): TokenState | undefined {
    const state = this.states.get(token);
    if (state) return state;
    if (token.startsWith('dead')) {
      const reason = this.reasonByName[token.slice(4, 8)];
      if (reason !== undefined) return { reason };
    }
    return this.mode === 'open' ? {} : undefined;
  }

  /** True if this token has reached its limit in the current minute; otherwise counts the message. */
  overRate(token: string, perMinute: number, now: number): boolean {
    if (perMinute === 0) return false;
    const minute = this.minutes.get(token);
    if (!minute || now - minute.startedAt >= 60_000) {
      this.minutes.set(token, { startedAt: now, count: 1 });
      return false;
    }
    if (minute.count >= perMinute) return true;
    minute.count += 1;
    return false;
  }

  reset(): void {
    this.mode = 'open';
    this.states.clear();
    this.minutes.clear();
  }
}
