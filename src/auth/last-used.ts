import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { MINUTE_MS } from '../common/durations.js';
import { tellFailure } from '../common/outage.js';
import { Rounds } from '../common/rounds.js';
import { ClientRepository } from './client.repository.js';

/** One statement a minute for all clients, instead of one per request. */
const EVERY_MS = MINUTE_MS;

/** Records the last use of clients and their secrets, outside of the requests. */
@Injectable()
export class LastUsed implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Auth');
  private clients = new Map<string, number>();
  private secrets = new Map<number, number>();
  private readonly rounds = new Rounds(this.log, 'Recording the last use of clients', () => this.write());

  constructor(
    private readonly repository: ClientRepository,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.every(EVERY_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds.end();
    await this.write();
  }

  noteClient(id: string): void {
    this.clients.set(id, this.clock.now());
  }

  noteSecret(clientId: string, secretId: number): void {
    this.noteClient(clientId);
    this.secrets.set(secretId, this.clock.now());
  }

  async write(): Promise<void> {
    const { clients, secrets } = this;
    if (clients.size + secrets.size === 0) return;
    this.clients = new Map();
    this.secrets = new Map();
    try {
      await this.repository.recordUse(clients, secrets);
    } catch (error) {
      // Only the record of the use is lost; the next minute writes a later one.
      tellFailure(this.log, 'The last use of clients could not be recorded', error);
    }
  }
}
