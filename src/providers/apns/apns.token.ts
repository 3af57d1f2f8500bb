import type { KeyObject } from 'node:crypto';
import { signJwt } from '../jwt.js';

const MINUTE_MS = 60_000;
/** Apple takes a JWT for an hour and asks for one as old as possible; 50 leaves 10 minutes for clocks that differ. */
const RENEW_AFTER_MS = 50 * MINUTE_MS;
/** Apple answers TooManyProviderTokenUpdates to renewals closer than this. */
const SHORTEST_LIFE_MS = 20 * MINUTE_MS;
/** An `iat` ahead of Apple's clock is refused. */
const BACKDATE_S = 10;

/**
 * The provider token of one signing key: the JWT that authorizes pushes of one team (Apple: "Establishing a token-based
 * connection to APNs"). Give every application of the team the same instance: the limit on renewals is Apple's view of
 * the team, not of an application.
 */
export class ProviderToken {
  private jwt = '';
  private mintedAt = -Infinity;
  private replacedAt = -Infinity;

  constructor(
    private readonly key: KeyObject,
    private readonly keyId: string,
    private readonly teamId: string,
    private readonly now: () => number = Date.now,
  ) {}

  /** The JWT to send with now. */
  current(): string {
    if (this.now() - this.mintedAt >= RENEW_AFTER_MS) this.mint();
    return this.jwt;
  }

  /**
   * Apple called `refused` expired: true when there is another JWT to try. One is made at once, though not twice in
   * 20 minutes: a JWT refused again so soon means that our clock or the key is wrong, and a third would not help.
   */
  replaceExpired(refused: string): boolean {
    if (refused !== this.jwt) return true;
    if (this.now() - this.replacedAt < SHORTEST_LIFE_MS) return false;
    this.replacedAt = this.now();
    this.mint();
    return true;
  }

  private mint(): void {
    this.mintedAt = this.now();
    const iat = Math.floor(this.mintedAt / 1_000) - BACKDATE_S;
    this.jwt = signJwt({ kid: this.keyId }, { iss: this.teamId, iat }, this.key);
  }
}
