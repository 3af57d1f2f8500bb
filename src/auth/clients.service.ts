import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { ApiError, invalidValue, notFound } from '../common/errors.js';
import { checkRevision, revisionOf } from '../common/revision.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { DATABASE } from '../database/database.module.js';
import type { Database } from '../database/database.js';
import { inTransaction } from '../database/transaction.js';
import type { Actor } from './audit.repository.js';
import { refuseDevelopmentSecret, refuseWeakSecret } from './chosen-secret.js';
import { ChangeFeed } from './change-feed.js';
import { NO_LIMITS, liveSecrets, mayAdminister } from './client.js';
import type { Client, ClientLimits } from './client.js';
import { NO_KEYS, hasKeys, keysOf } from './client-keys.js';
import { ClientRepository } from './client.repository.js';
import type { ClientChanges, ClientFields, NewSecret } from './client.repository.js';
import { Authority } from './authority.js';
import { hashSecret, matchesHash, newHash } from './secret.js';

export interface WantedClient {
  id: string;
  displayName?: string;
  /** Null counts as omitted. */
  secret?: string | null;
  allowedScope: string;
  enabled?: boolean;
  certificateBound?: boolean;
  /** Null: the settings apply. */
  requestsPerSecond?: number | null;
  concurrentRequests?: number | null;
  /** Null: no keys. */
  jwks?: string | null;
  jwksUri?: string | null;
  /** The life of the secret; absent: without an end. */
  secretExpiresInSeconds?: number | null;
}

/** A client after a change; `secret` only if the server generated it. */
export interface ChangedClient {
  client: Client;
  secret?: string;
}

/** The administrators' changes of the registry. Secrets are hashed before the transaction. */
@Injectable()
export class ClientsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly clients: ClientRepository,
    private readonly feed: ChangeFeed,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'environment'>,
  ) {}

  list(): Promise<Client[]> {
    return this.clients.list();
  }

  async get(id: string): Promise<Client> {
    return pick(await this.clients.list(), id);
  }

  async create(actor: Actor, wanted: WantedClient): Promise<ChangedClient> {
    refuseDevelopmentSecret(this.config, wanted);
    refuseWeakSecret(this.config, wanted.secret);
    const needsNone = hasKeys(wanted) && !wanted.secret;
    const { made, hash } = needsNone ? { made: {}, hash: undefined } : await newHash(wanted.secret);
    const after = await this.change(actor, async (changes, current, reach) => {
      if (current.has(wanted.id))
        throw new ApiError('FPWSE0002E', `The client exists already. Check the 'id' parameter value.`);
      reach.check(wanted);
      reach.checkLimits(wanted.id, NO_LIMITS, fieldsOf(wanted));
      await changes.add(wanted.id, fieldsOf(wanted), hash === undefined ? hash : this.secretOf(hash, wanted));
    });
    return { client: pick(after, wanted.id), ...made };
  }

  /** Throws CARIL0412E if the client is of another revision. */
  async update(
    actor: Actor,
    id: string,
    change: Partial<ClientFields>,
    revisions?: readonly string[],
  ): Promise<Client> {
    const after = await this.change(actor, async (changes, current, reach) => {
      const client = pick([...current.values()], id);
      checkRevision(revisions, clientRevision(client));
      await updateFields(
        changes,
        reach,
        client,
        fieldsOf({ ...client, ...definedOnly(change), ...limitsOf(change, client), ...keysOf(change, client) }),
      );
    });
    return pick(after, id);
  }

  /** Throws CARIL0412E if the client is of another revision. */
  async remove(actor: Actor, id: string, revisions?: readonly string[]): Promise<void> {
    await this.change(actor, async (changes, current, reach) => {
      const client = pick([...current.values()], id);
      reach.check(client);
      checkRevision(revisions, clientRevision(client));
      await changes.remove(client);
    });
  }

  /**
   * The old secret stays valid for `overlapMs`; with 0 every other secret and all tokens issued so far become invalid.
   */
  async rotateSecret(
    actor: Actor,
    id: string,
    wanted: Pick<WantedClient, 'secret' | 'secretExpiresInSeconds'>,
    overlapMs: number,
  ): Promise<ChangedClient> {
    refuseDevelopmentSecret(this.config, { id, ...wanted });
    refuseWeakSecret(this.config, wanted.secret);
    const { made, hash } = await newHash(wanted.secret);
    const secret = this.secretOf(hash, wanted);
    const after = await this.change(actor, async (changes, current, reach) => {
      const client = pick([...current.values()], id);
      reach.check(client);
      if (overlapMs === 0) return changes.replaceSecret(id, secret);
      const now = this.clock.now();
      const old = liveSecrets(client, now)[1]?.expiresAt;
      if (old)
        throw new ApiError(
          'CARIL0409E',
          `The secret before the last is valid until ${old.toISOString()}; overlapSeconds 0 drops it.`,
        );
      await changes.rotateSecret(id, secret, new Date(now), new Date(now + overlapMs));
    });
    return { client: pick(after, id), ...made };
  }

  /**
   * Replaces the registry by the list, completely or not at all. Returns the ids of the clients that were deleted or
   * disabled. Throws CARIL0412E if the list is of another revision.
   */
  async replaceAll(actor: Actor, wanted: readonly WantedClient[], revisions?: readonly string[]): Promise<string[]> {
    const hashes = await this.hashesFor(actor, wanted);
    const kept = new Set(wanted.map(({ id }) => id));
    let before: Client[] = [];
    const after = await this.change(actor, async (changes, current, reach) => {
      before = [...current.values()];
      checkRevision(revisions, listRevision(before));
      for (const client of current.values()) {
        if (kept.has(client.id)) continue;
        reach.check(client);
        await changes.remove(client);
      }
      for (const [index, client] of wanted.entries()) {
        const hash = hashes.get(client.id);
        const secret = hash === undefined ? hash : this.secretOf(hash, client);
        await putClient(changes, reach, current.get(client.id), client, secret, index);
      }
    });
    const holds = new Set(after.filter(({ enabled }) => enabled).map(({ id }) => id));
    return before.filter(({ id, enabled }) => enabled && !holds.has(id)).map(({ id }) => id);
  }

  /**
   * By client id. A secret that a client already has keeps its hash, so that sending the same list again changes
   * nothing.
   */
  private async hashesFor(actor: Actor, wanted: readonly WantedClient[]): Promise<Map<string, string>> {
    const current = byId(await this.clients.list());
    const reach = new Authority(actor, current);
    const hashes = new Map<string, string>();
    for (const [index, { id, secret }] of wanted.entries()) {
      if (wanted.findIndex((other) => other.id === id) !== index)
        throw invalidValue(`clients.${index}.id`, 'another client of the list has the same id');
      refuseDevelopmentSecret(this.config, { id, secret }, `clients.${index}.secret`);
      if (!secret && !current.has(id) && !hasKeys(wanted[index]!)) throw secretMissing(index);
      if (!secret) continue;
      const client = current.get(id);
      // Before the comparison: an error must not reveal either whether a secret of a client with more rights is right.
      if (client) reach.check(client);
      const known = client?.secrets[0]?.hash;
      const isKept = known !== undefined && (await matchesHash(secret, known));
      if (!isKept) refuseWeakSecret(this.config, secret, `clients.${index}.secret`);
      hashes.set(id, isKept ? known : await hashSecret(secret));
    }
    return hashes;
  }

  private secretOf(
    hash: string,
    { secretExpiresInSeconds: life }: Pick<WantedClient, 'secretExpiresInSeconds'>,
  ): NewSecret {
    return { hash, expiresAt: life ? new Date(this.clock.now() + life * 1_000) : null };
  }

  /**
   * Refuses a change after which no client could administer. Returns the registry after the change; this process then
   * uses it.
   */
  private async change(
    actor: Actor,
    work: (changes: ClientChanges, current: ReadonlyMap<string, Client>, reach: Authority) => Promise<void>,
  ): Promise<Client[]> {
    const after = await inTransaction(this.database, async (tx) => {
      const changes = await this.clients.beginChange(actor, tx);
      const current = byId(await changes.list());
      await work(changes, current, new Authority(actor, current));
      const clients = await changes.list();
      if (!clients.some(mayAdminister))
        throw new ApiError('CARIL0409E', 'This would leave no enabled client whose allowed scope covers mfpadmin.');
      return clients;
    });
    await this.feed.refresh();
    return after;
  }
}

async function putClient(
  changes: ClientChanges,
  reach: Authority,
  current: Client | undefined,
  wanted: WantedClient,
  secret: NewSecret | undefined,
  index: number,
): Promise<void> {
  if (!current) {
    // The client was deleted after the hashes were made.
    if (secret === undefined && !hasKeys(wanted)) throw secretMissing(index);
    reach.check(wanted);
    reach.checkLimits(wanted.id, NO_LIMITS, fieldsOf(wanted));
    await changes.add(wanted.id, fieldsOf(wanted), secret);
    return;
  }
  await updateFields(
    changes,
    reach,
    current,
    fieldsOf({
      ...wanted,
      enabled: wanted.enabled ?? current.enabled,
      certificateBound: wanted.certificateBound ?? current.certificateBound,
      ...limitsOf(wanted, current),
      ...keysOf(wanted, current),
    }),
  );
  if (secret === undefined || secret.hash === current.secrets[0]?.hash) return;
  reach.check(current);
  await changes.replaceSecret(wanted.id, secret);
}

async function updateFields(
  changes: ClientChanges,
  reach: Authority,
  client: Client,
  fields: ClientFields,
): Promise<void> {
  const before = fieldsOf(client);
  const changed = (Object.keys(before) as (keyof ClientFields)[]).some((name) => before[name] !== fields[name]);
  if (!changed) return;
  reach.check(client);
  reach.check({ id: client.id, ...fields });
  reach.checkLimits(client.id, client, fields);
  await changes.update(client, fields);
}

/** Of what a caller can change. */
export function clientRevision(client: Client): string {
  return revisionOf(fieldsOf(client));
}

export function listRevision(clients: readonly Client[]): string {
  return revisionOf(clients.map((client) => [client.id, fieldsOf(client)]));
}

function byId(clients: readonly Client[]): Map<string, Client> {
  return new Map(clients.map((client) => [client.id, client]));
}

function fieldsOf({ id, displayName, allowedScope, enabled, certificateBound, ...rest }: WantedClient): ClientFields {
  return {
    displayName: displayName ?? id,
    allowedScope,
    enabled: enabled ?? true,
    certificateBound: certificateBound ?? false,
    ...limitsOf(rest, NO_LIMITS),
    ...keysOf(rest, NO_KEYS),
  };
}

/** Omitted: unchanged; null: the settings apply. */
function limitsOf(wanted: Partial<ClientLimits>, before: ClientLimits): ClientLimits {
  const { requestsPerSecond = before.requestsPerSecond, concurrentRequests = before.concurrentRequests } = wanted;
  return { requestsPerSecond, concurrentRequests };
}

function definedOnly<T extends object>(change: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(change).filter(([, value]) => value !== undefined && value !== null),
  ) as Partial<T>;
}

function pick(clients: readonly Client[], id: string): Client {
  const client = clients.find((known) => known.id === id);
  if (!client) throw notFound('client', 'clientId');
  return client;
}

function secretMissing(index: number): ApiError {
  return invalidValue(`clients.${index}.secret`, 'a client that does not exist yet needs a secret');
}
