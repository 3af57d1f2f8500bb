import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { tellFailure } from '../common/outage.js';
import { Rounds } from '../common/rounds.js';
import type { AuthSubject } from '../database/auth-tables.js';
import { ChangeRepository } from './change.repository.js';

/** The time after which a change in another process takes effect here; a poll is one small query. */
const EVERY_MS = 1_000;
/**
 * The least time between two looks on demand, so that a flood of invalid requests does not become a flood of queries.
 */
const SPACING_MS = 100;

interface Follower {
  subject: AuthSubject;
  load: () => Promise<void>;
  version: number | undefined;
}

/** Refreshes this process's copies of clients, keys and revoked tokens when the database changes. */
@Injectable()
export class ChangeFeed implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Auth');
  private readonly followers: Follower[] = [];
  private readonly rounds = new Rounds(this.log, 'Reading changes of clients and keys', () => this.poll());
  private running: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | null = null;
  private lastLook = 0;

  constructor(private readonly changes: ChangeRepository) {}

  onApplicationBootstrap(): void {
    this.rounds.every(EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.end();
    await this.running.catch(() => undefined);
  }

  /** Loads now, and again whenever the subject has changed. */
  async follow(subject: AuthSubject, load: () => Promise<void>): Promise<void> {
    const versions = await this.changes.versions();
    await load();
    this.followers.push({ subject, load, version: versions.get(subject) });
  }

  /**
   * Loads everything that was committed before the call; a request waits for this before it is refused. Calls share a
   * look that has not begun. Throws if the database is unavailable.
   */
  refresh(): Promise<void> {
    this.waiting ??= this.lookNext();
    return this.waiting;
  }

  private async lookNext(): Promise<void> {
    await this.running.catch(() => undefined);
    const early = this.lastLook + SPACING_MS - performance.now();
    if (this.lastLook > 0 && early > 0) await delay(early);
    this.waiting = null;
    this.lastLook = performance.now();
    this.running = this.look();
    await this.running;
  }

  private async look(): Promise<void> {
    const versions = await this.changes.versions();
    for (const follower of this.followers) {
      const version = versions.get(follower.subject);
      if (follower.version === version) continue;
      // Load after reading the version: a commit in between is loaded now, and again at the next look.
      await follower.load();
      follower.version = version;
    }
  }

  /** While the database is unavailable, the last known state stays in use. */
  private async poll(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      tellFailure(this.log, 'Changes of clients and keys cannot be read', error);
    }
  }
}
