import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Rounds } from '../common/rounds.js';
import { UserRemovalRepository } from './user-removal.repository.js';

/** An idle round costs one look at an empty table. */
const EVERY_MS = 30_000;

/** Continues removals of users that their request did not finish, or that a crash interrupted. */
@Injectable()
export class UserKeeper implements BeforeApplicationShutdown {
  private readonly rounds = new Rounds(new Logger('UserKeeper'), 'Removing users', () => this.removeUsers());

  constructor(private readonly removals: UserRemovalRepository) {}

  @Interval(EVERY_MS)
  tick(): Promise<void> {
    return this.rounds.go();
  }

  async removeUsers(): Promise<void> {
    await this.rounds.repeat(async () => {
      const step = await this.removals.removeSome();
      return step === 'devices' || step === 'more';
    });
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.end();
  }
}
