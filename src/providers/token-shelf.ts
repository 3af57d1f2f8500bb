import { createHash } from 'node:crypto';

/** A token with its times in epoch ms, by the clock of the process that made or requested it. */
export interface SharedToken {
  token: string;
  mintedAt: number;
  /** The token is not valid from then on. */
  expiresAt: number;
}

/**
 * Shares provider tokens between the processes of an installation. Read at the first use of a credential and when its
 * token is renewed, never per push. Both methods reject if the shelf is unreachable.
 */
export interface TokenShelf {
  take(name: string): Promise<SharedToken | undefined>;
  /**
   * Stores `fresh` if there is no token or if the stored one was made at `than` (epoch ms) or before, and returns the
   * stored token. If several processes put at once, one wins and all get its token.
   */
  put(name: string, fresh: SharedToken, than: number): Promise<SharedToken>;
}

/**
 * The name of a credential's token on the shelf. All parts count, including secrets, so that a caller with a client's
 * id but not its secret cannot get its token. The hashed secrets are machine-made, so they cannot be guessed from the
 * hash.
 */
export function shelfName(provider: string, ...parts: readonly string[]): string {
  return `${provider}.${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}
