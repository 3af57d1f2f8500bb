import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { StartError } from '../common/start-error.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { ClientRepository } from './client.repository.js';
import { SecretVerifier, hashSecret } from './secret.js';

/** MobileFirst's predefined client (mobilefirst.md §4), for development only. */
const TEST_CLIENT = { id: 'test', secret: 'test' };

/** Makes the clients that must exist at start. */
@Injectable()
export class FirstClients implements OnApplicationBootstrap {
  private readonly log = new Logger('Auth');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly clients: ClientRepository,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { environment, adminClient } = this.config;
    if (environment === 'production') await this.refuseTestClient();
    else await this.add(TEST_CLIENT);
    if (adminClient && !(await this.clients.find(adminClient.id))) {
      await this.add(adminClient);
      this.log.log(`Confidential client ${adminClient.id} created from ADMIN_CLIENT_ID`);
    }
    if (await this.clients.isEmpty())
      this.log.warn(
        'There is no confidential client: set ADMIN_CLIENT_ID and ADMIN_CLIENT_SECRET to make the first one',
      );
  }

  private async add(client: { id: string; secret: string }): Promise<void> {
    if (await this.clients.find(client.id)) return;
    await this.clients.add({
      id: client.id,
      displayName: client.id,
      secretHash: await hashSecret(client.secret),
      allowedScope: '*',
    });
  }

  private async refuseTestClient(): Promise<void> {
    const known = await this.clients.find(TEST_CLIENT.id);
    if (known?.enabled && (await new SecretVerifier().matches(TEST_CLIENT.secret, known.secretHash, 0)))
      throw new StartError('NODE_ENV=production refuses to start while client test has its development secret');
  }
}
