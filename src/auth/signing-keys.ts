import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import type { CryptoKey, JWK } from 'jose';
import { exportJWK, exportPKCS8, generateKeyPair, importJWK } from 'jose';
import { createPrivateKey, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Clock } from '../common/clock.js';
import { DAY_MS, DAY_S, HOUR_MS, HOUR_S } from '../common/durations.js';
import { rootCause } from '../common/errors.js';
import { Vault } from '../common/vault.js';
import { ITSELF } from './audit.repository.js';
import type { Actor } from './audit.repository.js';
import { ChangeFeed } from './change-feed.js';
import { SigningKeyRepository } from './signing-key.repository.js';
import type { NewSigningKey, SigningKeyRow } from './signing-key.repository.js';

export const ALGORITHM = 'ES256';
/** Confidential clients' tokens live one hour (docs/protocol/mobilefirst.md §2). */
export const TOKEN_LIFETIME_S = HOUR_S;
/** A key verifies for the life of the last token it signed, and five minutes for clocks that differ. */
const OVERLAP_MS = (TOKEN_LIFETIME_S + 300) * 1_000;
/** Between a key's publication and its first signature; resource servers may keep the set for half of it. */
export const LEAD_S = 120;
/** The longest lead that can be asked for; a key that begins later was made while the clock was wrong. */
export const MAX_LEAD_S = DAY_S;
const ROTATE_AFTER_MS = 90 * DAY_MS;
const LOOK_EVERY_MS = HOUR_MS;

export interface SigningKey extends SigningKeyRow {
  sign: KeyObject;
  verify: CryptoKey;
}

/** The keys that access tokens are signed with: shared by every process, sealed at rest, replaced while in use. */
@Injectable()
export class SigningKeys implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Auth');
  /** In the order in which they were made. */
  private keys: SigningKey[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly repository: SigningKeyRepository,
    private readonly feed: ChangeFeed,
    @Inject(Vault) private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.feed.follow('signing_key', () => this.load());
    if (this.keys.length === 0) await this.rotate(ITSELF, { leadMs: 0, isFresh: () => true });
  }

  onApplicationBootstrap(): void {
    const look = () =>
      this.rotateWhenDue().catch((error: unknown) =>
        this.log.warn(`The signing key could not be rotated: ${rootCause(error)}`),
      );
    this.timer = setInterval(() => void look(), LOOK_EVERY_MS);
    this.timer.unref();
    void look();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** The one to sign with now: of those whose time has come the last one made, whatever times are ahead. */
  current(): SigningKey {
    const now = this.clock.now();
    const key = this.keys.findLast(({ signsFrom }) => signsFrom.getTime() <= now) ?? this.keys[0];
    if (!key) throw new Error('No signing key');
    return key;
  }

  /** Looks again before it says that there is none: another process may have just made it. */
  async find(kid: string | undefined): Promise<SigningKey | undefined> {
    const find = () => this.verifying().find((key) => key.kid === kid);
    if (!find()) await this.feed.refresh();
    return find();
  }

  /** Those that verify now, the ones to come included. */
  verifying(): SigningKey[] {
    const now = this.clock.now();
    return this.keys.filter(({ verifiesUntil }) => verifiesUntil === null || verifiesUntil.getTime() > now);
  }

  /** RFC 7517. */
  publicSet(): { keys: JWK[] } {
    return { keys: this.verifying().map(({ publicJwk }) => publicJwk) };
  }

  /** Makes the next key; answers its id and when it begins to sign. */
  async rotate(
    actor: Actor,
    { leadMs, isFresh = () => false }: { leadMs: number; isFresh?: (from: number) => boolean },
  ): Promise<{ kid: string; signsFrom: Date } | null> {
    const key = await this.make();
    const now = this.clock.now();
    const rotation = { now, signsFrom: now + leadMs, overlapMs: OVERLAP_MS, isFresh };
    const signsFrom = await this.repository.rotate(actor, key, rotation);
    await this.feed.refresh();
    return signsFrom && { kid: key.kid, signsFrom };
  }

  /** Any process may do it; the database lets the first one. */
  private async rotateWhenDue(): Promise<void> {
    const now = this.clock.now();
    const isFresh = (from: number): boolean => from > now - ROTATE_AFTER_MS && from <= now + MAX_LEAD_S * 1_000;
    const newest = this.keys.at(-1);
    if (newest && !isFresh(newest.signsFrom.getTime())) await this.rotate(ITSELF, { leadMs: LEAD_S * 1_000, isFresh });
  }

  private async make(): Promise<NewSigningKey> {
    const pair = await generateKeyPair(ALGORITHM, { extractable: true });
    const kid = randomUUID();
    return {
      kid,
      publicJwk: { ...(await exportJWK(pair.publicKey)), kid, alg: ALGORITHM, use: 'sig' },
      privateKey: this.vault.seal(await exportPKCS8(pair.privateKey), contextOf(kid)),
    };
  }

  private async load(): Promise<void> {
    const rows = await this.repository.list();
    this.keys = await Promise.all(
      rows.map(async (row) => ({
        ...row,
        sign: createPrivateKey(this.vault.open(row.privateKey, contextOf(row.kid))),
        verify: (await importJWK(row.publicJwk, ALGORITHM)) as CryptoKey,
      })),
    );
  }
}

function contextOf(kid: string): string {
  return `signing_key/${kid}`;
}
