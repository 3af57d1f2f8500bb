import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { DAY_MS } from '../common/durations.js';
import { ChangeFeed } from './change-feed.js';
import { RevokedTokenRepository } from './revoked-token.repository.js';

/**
 * Revoked tokens are stored for a day after their expiry, in memory and in the database: if the clock was ahead, the
 * token would be valid again after its correction.
 */
const KEEP_MS = DAY_MS;

/** The revoked tokens, in memory until a day after their expiry. */
@Injectable()
export class RevokedTokens implements OnModuleInit {
  /** Expiry in epoch milliseconds by jti. */
  private readonly tokens = new Map<string, number>();
  private lastChange = 0;

  constructor(
    private readonly repository: RevokedTokenRepository,
    private readonly feed: ChangeFeed,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): Promise<void> {
    return this.feed.follow('revoked_token', () => this.load());
  }

  has(jti: string): boolean {
    return this.tokens.has(jti);
  }

  async revoke(jti: string, expiresAt: number): Promise<void> {
    await this.repository.add(jti, new Date(expiresAt), new Date(this.clock.now() - KEEP_MS));
    await this.feed.refresh();
  }

  /** Loads only new entries: there may be many, and each revocation makes every process load. */
  private async load(): Promise<void> {
    const over = this.clock.now() - KEEP_MS;
    for (const [jti, expiresAt] of this.tokens) if (expiresAt <= over) this.tokens.delete(jti);
    for (const { jti, change, expiresAt } of await this.repository.listAfter(this.lastChange)) {
      this.tokens.set(jti, expiresAt.getTime());
      this.lastChange = Math.max(this.lastChange, change);
    }
  }
}
