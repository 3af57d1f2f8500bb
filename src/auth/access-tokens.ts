import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import type { CryptoKey } from 'jose';
import {
  SignJWT,
  decodeProtectedHeader,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  importJWK,
  importPKCS8,
  jwtVerify,
} from 'jose';
import { randomUUID } from 'node:crypto';
import { Clock } from '../common/clock.js';
import { Vault } from '../common/vault.js';
import { SigningKeyRepository } from './signing-key.repository.js';

/** Confidential clients' tokens live one hour (mobilefirst.md §2). */
export const TOKEN_LIFETIME_S = 3_600;
const ISSUER = 'carillon';
const ALGORITHM = 'ES256';
/** Verified tokens remembered, so that a hot one costs a look-up instead of a signature check (about 100 µs). */
const REMEMBER_MAX = 20_000;
/** A token signed by a key we have not read yet (another process made it) makes us look again, but not more often. */
const RELOAD_EVERY_MS = 2_000;

export interface AccessToken {
  clientId: string;
  scope: readonly string[];
  /** Epoch milliseconds. */
  expiresAt: number;
}

interface Key {
  kid: string;
  sign: CryptoKey;
  verify: CryptoKey;
}

/** Issues and checks access tokens: JWTs signed with keys that live, sealed, in the database. */
@Injectable()
export class AccessTokens implements OnModuleInit {
  private keys: Key[] = [];
  private loadedAt = 0;
  private readonly verified = new Map<string, AccessToken>();

  constructor(
    private readonly repository: SigningKeyRepository,
    @Inject(Vault) private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.load();
    if (this.keys.length > 0) return;
    const pair = await generateKeyPair(ALGORITHM, { extractable: true });
    const kid = randomUUID();
    await this.repository.addFirst({
      kid,
      publicJwk: { ...(await exportJWK(pair.publicKey)), kid, alg: ALGORITHM, use: 'sig' },
      privateKey: this.vault.seal(await exportPKCS8(pair.privateKey), contextOf(kid)),
    });
    await this.load();
  }

  async issue(clientId: string, scope: string): Promise<string> {
    const key = this.keys.at(-1);
    if (!key) throw new Error('No signing key');
    const now = Math.floor(this.clock.now() / 1_000);
    return new SignJWT({ scope })
      .setProtectedHeader({ alg: ALGORITHM, kid: key.kid })
      .setIssuer(ISSUER)
      .setSubject(clientId)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + TOKEN_LIFETIME_S)
      .sign(key.sign);
  }

  /** What the token says, or null when it is none of ours, tampered with, or expired. */
  async read(token: string): Promise<AccessToken | null> {
    const known = this.verified.get(token);
    if (known) {
      if (known.expiresAt > this.clock.now()) return known;
      this.verified.delete(token);
      return null;
    }
    const read = await this.verify(token);
    if (!read) return null;
    if (this.verified.size >= REMEMBER_MAX) this.verified.clear();
    this.verified.set(token, read);
    return read;
  }

  private async verify(token: string): Promise<AccessToken | null> {
    try {
      const key = await this.keyFor(decodeProtectedHeader(token).kid);
      if (!key) return null;
      const { payload } = await jwtVerify(token, key.verify, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        requiredClaims: ['sub', 'exp', 'scope'],
        currentDate: new Date(this.clock.now()),
      });
      if (typeof payload.scope !== 'string') return null;
      return {
        clientId: payload.sub ?? '',
        scope: payload.scope.split(' '),
        expiresAt: (payload.exp ?? 0) * 1_000,
      };
    } catch {
      return null;
    }
  }

  private async keyFor(kid: string | undefined): Promise<Key | undefined> {
    const find = () => this.keys.find((key) => key.kid === kid);
    if (!find() && this.clock.now() - this.loadedAt > RELOAD_EVERY_MS) await this.load();
    return find();
  }

  private async load(): Promise<void> {
    const rows = await this.repository.list();
    this.loadedAt = this.clock.now();
    this.keys = await Promise.all(
      rows.map(async (row) => ({
        kid: row.kid,
        sign: await importPKCS8(this.vault.open(row.privateKey, contextOf(row.kid)), ALGORITHM),
        verify: (await importJWK(row.publicJwk, ALGORITHM)) as CryptoKey,
      })),
    );
  }
}

function contextOf(kid: string): string {
  return `signing_key/${kid}`;
}
