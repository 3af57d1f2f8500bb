import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { ChangeFeed } from './change-feed.js';
import type { Client } from './client.js';
import { ClientRepository } from './client.repository.js';
import { parseScope } from './scope.js';

export interface KnownClient extends Client {
  /** The elements of `allowedScope`. */
  allowed: readonly string[];
}

/** The registry in memory, at most a second old: requests do not read the database. */
@Injectable()
export class ClientSnapshot implements OnModuleInit {
  private clients: ReadonlyMap<string, KnownClient> = new Map();

  constructor(
    private readonly repository: ClientRepository,
    private readonly feed: ChangeFeed,
  ) {}

  onModuleInit(): Promise<void> {
    return this.feed.follow('client', () => this.load());
  }

  find(id: string): KnownClient | undefined {
    return this.clients.get(id);
  }

  private async load(): Promise<void> {
    const clients = await this.repository.list();
    this.clients = new Map(
      clients.map((client) => [client.id, { ...client, allowed: parseScope(client.allowedScope) ?? [] }]),
    );
  }
}
