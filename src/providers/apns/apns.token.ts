import { wallClock } from '../../common/clock.js';
import { MINUTE_MS } from '../../common/durations.js';
import { signJwt } from '../../common/jwt.js';
import type { SharedToken, TokenShelf } from '../token-shelf.js';
import type { ApnsKey } from './apns.settings.js';

/** APNs accepts a JWT for an hour, and Apple asks for few renewals. 50 minutes leave 10 for clocks that differ. */
const RENEW_AFTER_MS = 50 * MINUTE_MS;
/** Use of a JWT that cannot be renewed: Apple's hour less a margin. */
const LIFE_MS = 58 * MINUTE_MS;
/** APNs answers TooManyProviderTokenUpdates to renewals closer than this. */
const SHORTEST_LIFE_MS = 20 * MINUTE_MS;
/** APNs refuses an `iat` ahead of its clock. */
const BACKDATE_S = 10;
/** Between attempts to read an unreachable shelf. */
const ASK_AGAIN_MS = 10_000;

/**
 * The provider token of one signing key: the JWT that authorizes pushes of one team (Apple: "Establishing a token-based
 * connection to APNs"). Apple counts renewals per team, so applications share the instance and processes share the
 * exact text through the shelf: at most one new JWT in 20 minutes.
 */
export class ProviderToken {
  private held: SharedToken | undefined;
  private asking: Promise<string> | undefined;
  private askAgainAt = -Infinity;

  constructor(
    private readonly key: ApnsKey,
    /** Name on the shelf. */
    private readonly name: string,
    private readonly shelf: TokenShelf,
    private readonly now: () => number = wallClock,
  ) {}

  /** The JWT to send with now. If undefined, call `obtain` first. Near its end, it is renewed in the background. */
  current(): string | undefined {
    const { held } = this;
    const now = this.now();
    // A JWT from the future: the clock was set back, and APNs would refuse it.
    if (held === undefined || now >= held.expiresAt || held.mintedAt > now + MINUTE_MS) return undefined;
    if (now - held.mintedAt >= RENEW_AFTER_MS && now >= this.askAgainAt) void this.obtain();
    return held.token;
  }

  /**
   * The JWT of the installation. Signs a new one if there is none, or if it was signed at `than` (epoch ms) or before.
   * Never rejects.
   */
  obtain(than = this.now() - RENEW_AFTER_MS): Promise<string> {
    this.asking ??= this.agree(than).finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /**
   * Apple called `refused` expired. Afterwards `current` is another JWT, unless this one is younger than 20 minutes:
   * then our clock is wrong or the connection refuses because of an older JWT, and a new one does not help.
   */
  async replaceExpired(refused: string): Promise<void> {
    // A renewal that is already running is the replacement.
    await this.asking;
    const { held } = this;
    if (held?.token !== refused || this.now() - held.mintedAt < SHORTEST_LIFE_MS) return;
    this.held = undefined;
    await this.obtain(held.mintedAt);
  }

  private async agree(than: number): Promise<string> {
    const mine = this.mint();
    try {
      this.held = await this.shelf.put(this.name, mine, than);
    } catch {
      // Without the database, processes cannot share a JWT. A JWT in hand is used as long as Apple accepts it. A
      // process without one signs its own: an additional renewal may be refused for 20 minutes, but without a JWT
      // nothing could be sent.
      this.askAgainAt = this.now() + ASK_AGAIN_MS;
      if (this.current() === undefined) this.held = mine;
    }
    return (this.held ?? mine).token;
  }

  private mint(): SharedToken {
    const { key, keyId, teamId } = this.key;
    const mintedAt = this.now();
    const iat = Math.floor(mintedAt / 1_000) - BACKDATE_S;
    const token = signJwt({ kid: keyId }, { iss: teamId, iat }, key);
    return { token, mintedAt, expiresAt: mintedAt + LIFE_MS };
  }
}
