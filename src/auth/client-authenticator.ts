import { Inject, Injectable, Logger } from '@nestjs/common';
import { availableParallelism } from 'node:os';
import { Clock } from '../common/clock.js';
import { MINUTE_MS } from '../common/durations.js';
import { OAuthError } from '../common/errors.js';
import { networkOf } from '../common/ip.js';
import { authFailures } from '../common/meters.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { parseBasic } from './basic.js';
import type { Credentials } from './basic.js';
import { ChangeFeed } from './change-feed.js';
import { AssertionRefused, ClientAssertions } from './client-assertions.js';
import { liveSecrets } from './client.js';
import type { ClientSecret } from './client.js';
import { ClientSnapshot } from './client-snapshot.js';
import type { KnownClient } from './client-snapshot.js';
import { LastUsed } from './last-used.js';
import { RightLately } from './right-lately.js';
import { SecretMemory, hashSecret, matchesHash, newSecret } from './secret.js';
import { Throttle } from './throttle.js';
import { Turnstile } from './turnstile.js';

/** Wrong secrets of one client from one address: ten at once, then ten a minute. */
const PER_CLIENT = { burst: 10, everyMs: 6_000, maxKeys: 50_000 };
/** Wrong ids and secrets from one address, which many valid clients may share: fifty at once, then fifty a minute. */
const PER_ADDRESS = { burst: 50, everyMs: 1_200, maxKeys: 50_000 };
/** Leaves one core to the event loop, and one of libuv's four threads to signatures and look-ups. */
const HASHES_AT_ONCE = Math.max(1, Math.min(3, availableParallelism() - 1));
/** A wrong secret costs two hashes: this many take one core about ten seconds. */
const MAX_WAITING = 128;
/** All refusals of this interval are one line. */
const WARN_EVERY_MS = MINUTE_MS;
const MAX_LINES = 100;
/** The number of valid secrets while a client rotates its secret. */
const MAX_SECRETS = 2;

/** One pair of the header, to be compared with one secret of the named client. */
interface Trial {
  client: KnownClient;
  stored: ClientSecret;
  secret: string;
}

/** Authenticates a client by its Basic header or an assertion; the only place that checks secrets. */
@Injectable()
export class ClientAuthenticator {
  private readonly log = new Logger('Auth');
  private readonly memory = new SecretMemory();
  private readonly lately = new RightLately();
  private readonly byClient = new Throttle(PER_CLIENT);
  private readonly byAddress = new Throttle(PER_ADDRESS);
  private readonly hashing = new Turnstile(HASHES_AT_ONCE, MAX_WAITING);
  private readonly underway = new Map<string, Promise<KnownClient>>();
  private readonly warnedAt = new Map<string, number>();
  /** Unknown ids are compared with this hash, so that they cost the same as known ids. */
  private readonly nobody = hashSecret(newSecret());

  constructor(
    private readonly clients: ClientSnapshot,
    private readonly feed: ChangeFeed,
    private readonly lastUsed: LastUsed,
    private readonly assertions: ClientAssertions,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'invalidClientStatus'>,
  ) {}

  /**
   * Returns the enabled client of the header if its secret is right. Throws OAuthError: `invalid_client`, or
   * `temporarily_unavailable` with status 429 or 503. A right secret that was used lately costs microseconds.
   */
  async authenticate(header: string | undefined, address: string): Promise<KnownClient> {
    const candidates = parseBasic(header);
    if (candidates.length === 0) throw this.invalidClient('Basic authentication with id and secret is required');
    const network = networkOf(address);
    try {
      return await this.attempt(candidates, network, header ?? '');
    } catch (error) {
      if (!(error instanceof OAuthError && error.error === 'temporarily_unavailable')) throw error;
      const right = this.findRightLately(candidates, network, header ?? '');
      if (!right) {
        authFailures.inc({ reason: error.status === 429 ? 'throttled' : 'busy' });
        throw error;
      }
      return this.accept(right, network);
    }
  }

  /** By an assertion that the client has signed (RFC 7523). Throws like `authenticate`. */
  async authenticateBy(assertion: string, address: string): Promise<KnownClient> {
    const network = networkOf(address);
    this.refuseWhileSpent(this.byAddress, [network]);
    try {
      const client = await this.assertions.read(assertion);
      this.lastUsed.noteClient(client.id);
      return client;
    } catch (error) {
      if (!(error instanceof AssertionRefused)) throw error;
      this.byAddress.spend(network, this.clock.elapsed());
      throw this.invalidClient(error.message);
    }
  }

  private async attempt(candidates: readonly Credentials[], network: string, header: string): Promise<KnownClient> {
    const keys = idsOf(candidates).map((id) => `${network} ${id}`);
    this.refuseWhileSpent(this.byClient, keys);
    const now = this.clock.elapsed();
    const known = this.trials(candidates).find(({ secret, stored }) => this.memory.has(now, stored.hash, secret));
    if (known) return this.accept(known, network);
    // Equal concurrent attempts share one verification: a client that starts many workers spends one attempt.
    const attempt = this.memory.fingerprint(network, header);
    const underway = this.underway.get(attempt);
    if (underway) return underway;
    const verified = this.verify(candidates, keys, network).finally(() => this.underway.delete(attempt));
    this.underway.set(attempt, verified);
    return verified;
  }

  /**
   * Called if no attempt is left, or no hash can be started: guesses of other callers must not lock out the right
   * secret.
   */
  private findRightLately(candidates: readonly Credentials[], network: string, header: string): Trial | undefined {
    const now = this.clock.elapsed();
    const ids = idsOf(candidates);
    if (!this.lately.isOpen(network, ids, now)) return undefined;
    const right = this.trials(candidates).find(({ client, stored, secret }) =>
      this.lately.has(network, client.id, [stored.hash, secret], now),
    );
    if (!right && this.lately.countWrong(network, ids, header, now))
      this.warnSeldom(`Secrets of a client in use are guessed from the address that the client uses, ${network}`);
    return right;
  }

  /**
   * Spends the client's attempt before the check, so that concurrent attempts cannot exceed its limit; the address's
   * attempt is spent after a wrong secret.
   */
  private async verify(candidates: readonly Credentials[], keys: readonly string[], network: string) {
    this.refuseWhileSpent(this.byAddress, [network]);
    if (this.hashing.isFull()) throw this.busy();
    for (const key of keys) this.byClient.spend(key, this.clock.elapsed());
    await this.feed.refresh().catch((error: unknown) => {
      // The database is unavailable: the secret was not found wrong.
      this.refund(keys);
      throw error;
    });
    // Check again: other attempts may have filled the queue during the refresh.
    if (this.hashing.isFull()) {
      this.refund(keys);
      throw this.busy();
    }
    const right = await this.hashing.pass(() => this.tryAll(candidates));
    if (!right) {
      this.byAddress.spend(network, this.clock.elapsed());
      throw this.invalidClient('The client id or secret is wrong');
    }
    this.refund(keys);
    return this.accept(right, network);
  }

  private refund(keys: readonly string[]): void {
    for (const key of keys) this.byClient.refund(key, this.clock.elapsed());
  }

  /**
   * A wrong secret costs the same in every case: two hashes per pair, the number of secrets of a client in rotation.
   */
  private async tryAll(candidates: readonly Credentials[]): Promise<Trial | undefined> {
    const trials = this.trials(candidates);
    for (const trial of trials) {
      if (!(await matchesHash(trial.secret, trial.stored.hash))) continue;
      this.memory.add(this.clock.elapsed(), trial.stored.hash, trial.secret);
      return trial;
    }
    for (let done = trials.length; done < candidates.length * MAX_SECRETS; done++)
      await matchesHash(candidates[0]?.secret ?? '', await this.nobody);
    return undefined;
  }

  private trials(candidates: readonly Credentials[]): Trial[] {
    return candidates.flatMap(({ id, secret }) => {
      const client = this.clients.find(id);
      if (!client?.enabled) return [];
      return liveSecrets(client, this.clock.now()).map((stored) => ({ client, stored, secret }));
    });
  }

  private accept({ client, stored, secret }: Trial, network: string): KnownClient {
    this.lately.note(network, client.id, [stored.hash, secret], this.clock.elapsed());
    this.lastUsed.noteSecret(client.id, stored.id);
    return client;
  }

  private refuseWhileSpent(throttle: Throttle, keys: readonly string[]): void {
    const wait = Math.max(...keys.map((key) => throttle.waitFor(key, this.clock.elapsed())));
    if (wait > 0)
      throw new OAuthError('temporarily_unavailable', 'Too many failed attempts; wait before the next', 429, {
        'retry-after': String(Math.ceil(wait / 1_000)),
      });
  }

  /**
   * MobileFirst's validators interpret 400 with this code as "client not registered" (docs/protocol/mobilefirst.md §2).
   */
  private invalidClient(description: string): OAuthError {
    authFailures.inc({ reason: 'invalid_client' });
    const status = this.config.invalidClientStatus;
    const headers: Record<string, string> = status === 401 ? { 'www-authenticate': 'Basic realm="carillon"' } : {};
    return new OAuthError('invalid_client', description, status, headers);
  }

  private busy(): OAuthError {
    this.warnSeldom('The queue of secrets to check is full: further requests are answered 503');
    return new OAuthError('temporarily_unavailable', 'Too many clients authenticate at once; try again', 503, {
      'retry-after': '1',
    });
  }

  private warnSeldom(line: string): void {
    const now = this.clock.elapsed();
    if (now - (this.warnedAt.get(line) ?? -Infinity) < WARN_EVERY_MS) return;
    if (this.warnedAt.size >= MAX_LINES) this.warnedAt.clear();
    this.warnedAt.set(line, now);
    this.log.warn(line);
  }
}

function idsOf(candidates: readonly Credentials[]): string[] {
  return [...new Set(candidates.map(({ id }) => id))];
}
