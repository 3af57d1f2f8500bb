import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import type { CryptoKey, JWK } from 'jose';
import { exportJWK, exportPKCS8, generateKeyPair, importJWK } from 'jose';
import { createPrivateKey, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { Clock } from '../common/clock.js';
import { DAY_MS, DAY_S, HOUR_MS, HOUR_S } from '../common/durations.js';
import { Rounds } from '../common/rounds.js';
import { Vault } from '../common/vault.js';
import { ITSELF } from './audit.repository.js';
import type { Actor } from './audit.repository.js';
import { ChangeFeed } from './change-feed.js';
import { SigningKeyRepository, signingKeyContext } from './signing-key.repository.js';
import type { NewSigningKey, SigningKeyRow } from './signing-key.repository.js';

export const ALGORITHM = 'ES256';
/** Tokens of confidential clients live one hour (docs/protocol/mobilefirst.md §2). */
export const TOKEN_LIFETIME_S = HOUR_S;
/** A key verifies for the life of the last token it signed, plus five minutes for differing clocks. */
const OVERLAP_MS = (TOKEN_LIFETIME_S + 300) * 1_000;
/**
 * Seconds from a key's publication to its first signature; resource servers may cache the set for half of this time.
 */
export const LEAD_S = 120;
/** The longest lead that a request may choose; a key with a longer one was made while the clock was wrong. */
export const MAX_LEAD_S = DAY_S;
const ROTATE_AFTER_MS = 90 * DAY_MS;
const LOOK_EVERY_MS = HOUR_MS;

export interface SigningKey extends SigningKeyRow {
  sign: KeyObject;
  verify: CryptoKey;
}

/** The signing keys of access tokens: shared by all processes, sealed at rest, rotated while in use. */
@Injectable()
export class SigningKeys implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly log = new Logger('Auth');
  /** In order of creation. */
  private keys: SigningKey[] = [];
  private readonly rounds = new Rounds(this.log, 'Rotating the signing key', () => this.rotateWhenDue());

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
    this.rounds.every(LOOK_EVERY_MS);
    void this.rounds.go();
  }

  beforeApplicationShutdown(): void {
    // Does not wait: the next start looks again.
    void this.rounds.end();
  }

  /** The key that signs now: the last created one with a past `signsFrom`; later times are ignored. */
  current(): SigningKey {
    const now = this.clock.now();
    const key = this.keys.findLast(({ signsFrom }) => signsFrom.getTime() <= now) ?? this.keys[0];
    if (!key) throw new Error('No signing key');
    return key;
  }

  /** Refreshes before it returns undefined: another process may have just created the key. */
  async find(kid: string | undefined): Promise<SigningKey | undefined> {
    const find = () => this.verifying().find((key) => key.kid === kid);
    if (!find()) await this.feed.refresh();
    return find();
  }

  /** The keys that verify now, including keys that do not sign yet. */
  verifying(): SigningKey[] {
    const now = this.clock.now();
    return this.keys.filter(({ verifiesUntil }) => verifiesUntil === null || verifiesUntil.getTime() > now);
  }

  /** The key set of RFC 7517. */
  publicSet(): { keys: JWK[] } {
    return { keys: this.verifying().map(({ publicJwk }) => publicJwk) };
  }

  /** Creates the next key; returns its id and the time of its first signature. */
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

  /** Every process tries; the database lets only the first one. */
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
      privateKey: this.vault.seal(await exportPKCS8(pair.privateKey), signingKeyContext(kid)),
    };
  }

  private async load(): Promise<void> {
    const rows = await this.repository.list();
    this.keys = await Promise.all(
      rows.map(async (row) => ({
        ...row,
        sign: createPrivateKey(this.vault.open(row.privateKey, signingKeyContext(row.kid))),
        verify: (await importJWK(row.publicJwk, ALGORITHM)) as CryptoKey,
      })),
    );
  }
}
