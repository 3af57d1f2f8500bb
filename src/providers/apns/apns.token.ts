import { wallClock } from '../../common/clock.js';
import { MINUTE_MS } from '../../common/durations.js';
import { signJwt } from '../../common/jwt.js';
import type { SharedToken, TokenShelf } from '../token-shelf.js';
import type { ApnsKey } from './apns.settings.js';

/** Apple takes a JWT for an hour and asks for one as old as possible; 50 leaves 10 minutes for clocks that differ. */
const RENEW_AFTER_MS = 50 * MINUTE_MS;
/** How long one is used that cannot be renewed: Apple's hour, less a margin. */
const LIFE_MS = 58 * MINUTE_MS;
/** Apple answers TooManyProviderTokenUpdates to renewals closer than this. */
const SHORTEST_LIFE_MS = 20 * MINUTE_MS;
/** An `iat` ahead of Apple's clock is refused. */
const BACKDATE_S = 10;
/** Between attempts to reach a shelf that is away. */
const ASK_AGAIN_MS = 10_000;

/**
 * The provider token of one signing key: the JWT that authorizes pushes of one team (Apple: "Establishing a token-based
 * connection to APNs"). Apple counts the renewals of a team, not of an application or a process, so applications share
 * the instance and processes the exact string, by way of the shelf: at most one new JWT in 20 minutes.
 */
export class ProviderToken {
  private held: SharedToken | undefined;
  private asking: Promise<string> | undefined;
  private askAgainAt = -Infinity;

  constructor(
    private readonly key: ApnsKey,
    /** On the shelf. */
    private readonly name: string,
    private readonly shelf: TokenShelf,
    private readonly now: () => number = wallClock,
  ) {}

  /** The JWT to send with now; undefined: `obtain` one first. Near its end another is got behind the caller's back. */
  current(): string | undefined {
    const { held } = this;
    const now = this.now();
    // A JWT from the future: the clock was set back, and Apple would refuse it.
    if (held === undefined || now >= held.expiresAt || held.mintedAt > now + MINUTE_MS) return undefined;
    if (now - held.mintedAt >= RENEW_AFTER_MS && now >= this.askAgainAt) void this.obtain();
    return held.token;
  }

  /** The JWT of the installation; a new one if it has none, or one minted at `than` (epoch ms) or before. Never rejects. */
  obtain(than = this.now() - RENEW_AFTER_MS): Promise<string> {
    this.asking ??= this.agree(than).finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /**
   * Apple called `refused` expired: afterwards `current` is another JWT, unless this one is younger than 20 minutes.
   * Then our clock is wrong, or the connection goes on refusing for the sake of an older one: a new JWT helps neither.
   */
  async replaceExpired(refused: string): Promise<void> {
    // A renewal under way is the replacement.
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
      // Without the database nobody can agree. What is in hand serves as long as Apple takes it; a process that has none
      // makes its own: one renewal too many may be refused for 20 minutes, sending nothing would be refused for sure.
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
