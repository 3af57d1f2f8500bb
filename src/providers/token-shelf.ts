import { createHash } from 'node:crypto';

/** A token with its times in epoch ms, by the clock of the process that made or fetched it. */
export interface SharedToken {
  token: string;
  mintedAt: number;
  /** It is of no use from then on. */
  expiresAt: number;
}

/**
 * Where the processes of an installation lay their provider tokens for each other. It is asked at the first use of a
 * credential and when its token is renewed, never for a push. Both reject when the shelf cannot be reached.
 */
export interface TokenShelf {
  take(name: string): Promise<SharedToken | undefined>;
  /**
   * Lays `fresh` in place of a token that was minted at `than` (epoch ms) or before, or where there is none, and
   * answers what lies there then. Of processes that put at once one wins, and all of them get the winner's.
   */
  put(name: string, fresh: SharedToken, than: number): Promise<SharedToken>;
}

/**
 * The name that a credential's token has on the shelf. Every part counts, secrets too: who knows a client's id and not
 * its secret must not come by its token. What is hashed are keys and secrets that machines made: nobody guesses them back.
 */
export function shelfName(provider: string, ...parts: readonly string[]): string {
  return `${provider}.${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
