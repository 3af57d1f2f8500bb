import type { LookupFunction } from 'node:net';
import { guardedLookup, type Resolve } from '../../common/public-address.js';
import type { Identified, Provider, ProviderSettings, Sender } from '../provider.js';
import type { TokenShelf } from '../token-shelf.js';
import { UpstreamSender } from './upstream.sender.js';
import { openUpstreamSettings, parseUpstreamSettings } from './upstream.settings.js';
import type { UpstreamRules } from './upstream.settings.js';

/** An existing MobileFirst server in a provider's place. */
export class UpstreamProvider implements Provider {
  readonly name = 'upstream';
  readonly maxBytes = Infinity;

  private readonly rules: UpstreamRules;
  private readonly lookup: LookupFunction;

  /** `ca`: PEM of the authorities to trust instead of the system's; `deadlineMs`: from a request to its whole answer. */
  constructor(
    private readonly options: { ca?: string; deadlineMs?: number } & Partial<UpstreamRules>,
    resolve?: Resolve,
  ) {
    const { hosts = [], production = false } = options;
    this.rules = { hosts, production };
    // An operator who lists a host knows where it is.
    this.lookup = guardedLookup(!production || hosts.length > 0, resolve);
  }

  readonly parseSettings = (input: Record<string, unknown>, current?: ProviderSettings): ProviderSettings =>
    parseUpstreamSettings(input, this.rules, current);

  /** Devices are of the providers whose place it takes: it has none. */
  identify(): Identified {
    return { refusal: 'a device is never of the upstream' };
  }

  /** How much it takes, it says itself. */
  measure(): number {
    return 0;
  }

  open(settings: ProviderSettings, shelf: TokenShelf, applicationId: string): Sender {
    return new UpstreamSender(
      { ...this.options, lookup: this.lookup },
      openUpstreamSettings(settings, this.rules),
      applicationId,
      shelf,
    );
  }
}
