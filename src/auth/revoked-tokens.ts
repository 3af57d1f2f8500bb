import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ChangeFeed } from './change-feed.js';
import { RevokedTokenRepository } from './revoked-token.repository.js';

/** The tokens that were called back before their hour was over, in memory until it is. */
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
    await this.repository.add(jti, new Date(expiresAt), new Date(this.clock.now()));
    await this.feed.refresh();
  }

  /** Only what is new: there may be many, and each revocation brings every process here. */
  private async load(): Promise<void> {
    const now = this.clock.now();
    for (const [jti, expiresAt] of this.tokens) if (expiresAt <= now) this.tokens.delete(jti);
    for (const { jti, change, expiresAt } of await this.repository.listAfter(this.lastChange)) {
      this.tokens.set(jti, expiresAt.getTime());
      this.lastChange = Math.max(this.lastChange, change);
    }
  }
}
