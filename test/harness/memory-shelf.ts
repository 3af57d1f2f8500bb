import type { SharedToken, TokenShelf } from '../../src/providers/token-shelf.js';

/** A token shelf for the senders of one process, for tests without a database. */
export class MemoryShelf implements TokenShelf {
  /** Behaves like an unreachable database. */
  away = false;
  puts = 0;
  private readonly lying = new Map<string, SharedToken>();

  async take(name: string): Promise<SharedToken | undefined> {
    await this.reach();
    return this.lying.get(name);
  }

  async put(name: string, fresh: SharedToken, than: number): Promise<SharedToken> {
    this.puts++;
    await this.reach();
    const known = this.lying.get(name);
    if (known !== undefined && known.mintedAt > than) return known;
    this.lying.set(name, fresh);
    return fresh;
  }

  private async reach(): Promise<void> {
    await Promise.resolve();
    if (this.away) throw new Error('away');
  }
}
