import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { rootCause } from '../common/errors.js';
import type { AuthSubject } from '../database/auth-tables.js';
import { ChangeRepository } from './change.repository.js';

/** A change elsewhere takes effect here within this time and one small query, which is all that polling costs. */
const EVERY_MS = 1_000;
/** Looks on demand are spaced by this, so that no flood of doubtful requests becomes a flood of queries. */
const SPACING_MS = 100;

interface Follower {
  subject: AuthSubject;
  load: () => Promise<void>;
  version: number | undefined;
}

/** Keeps what this process remembers of clients, keys and revoked tokens in step with the database. */
@Injectable()
export class ChangeFeed implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Auth');
  private readonly followers: Follower[] = [];
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | null = null;
  private lastLook = 0;
  private failing = false;

  constructor(private readonly changes: ChangeRepository) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      void this.refresh().then(
        () => (this.failing = false),
        (error: unknown) => this.noteFailure(error),
      );
    }, EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running.catch(() => undefined);
  }

  /** Loads now, and again whenever the subject has changed. */
  async follow(subject: AuthSubject, load: () => Promise<void>): Promise<void> {
    const versions = await this.changes.versions();
    await load();
    this.followers.push({ subject, load, version: versions.get(subject) });
  }

  /**
   * Everything committed before the call is known after it: what a request asks for before it is refused. Calls while
   * a look is yet to begin share it. Throws when the database is away.
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
      // Read after the version: what is committed in between is loaded now, and once more at the next look.
      await follower.load();
      follower.version = version;
    }
  }

  /** While the database is away, what was last known goes on; one line says so, not one a second. */
  private noteFailure(error: unknown): void {
    if (!this.failing) this.log.warn(`Changes of clients and keys cannot be read: ${rootCause(error)}`);
    this.failing = true;
  }
}
