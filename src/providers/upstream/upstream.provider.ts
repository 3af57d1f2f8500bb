import type { LookupFunction } from 'node:net';
import { guardedLookup, type Resolve } from '../../common/public-address.js';
import { wayOf, type Egress, type Way } from '../../common/tunnel.js';
import type { Identified, Provider, ProviderSettings, Sender } from '../provider.js';
import type { TokenShelf } from '../token-shelf.js';
import { UpstreamSender } from './upstream.sender.js';
import { openUpstreamSettings, parseUpstreamSettings } from './upstream.settings.js';
import type { UpstreamRules } from './upstream.settings.js';

/** Relays to an existing MobileFirst server. */
export class UpstreamProvider implements Provider {
  readonly name = 'upstream';
  readonly maxBytes = Infinity;

  private readonly rules: UpstreamRules;
  private readonly lookup: LookupFunction;
  private readonly way: Way;

  /** `deadlineMs`: from a request to its whole answer. */
  constructor(
    private readonly options: { deadlineMs?: number } & Egress & Partial<UpstreamRules>,
    resolve?: Resolve,
  ) {
    const { hosts = [], production = false } = options;
    this.rules = { hosts, production };
    // A host that the operator listed may have a private address.
    this.lookup = guardedLookup(!production || hosts.length > 0, resolve);
    this.way = wayOf(options, hosts.length > 0 ? undefined : this.lookup);
  }

  readonly parseSettings = (input: Record<string, unknown>, current?: ProviderSettings): ProviderSettings =>
    parseUpstreamSettings(input, this.rules, current);

  /** Devices belong to the other providers; the upstream has none. */
  identify(): Identified {
    return { refusal: 'the upstream has no devices' };
  }

  /** The upstream itself limits the size. */
  measure(): number {
    return 0;
  }

  render(): string[] {
    return [];
  }

  open(settings: ProviderSettings, shelf: TokenShelf, applicationId: string): Sender {
    return new UpstreamSender(
      { way: this.way, lookup: this.lookup, deadlineMs: this.options.deadlineMs },
      openUpstreamSettings(settings, this.rules),
      applicationId,
      shelf,
    );
  }
}
