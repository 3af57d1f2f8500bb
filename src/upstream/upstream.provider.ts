import type { Provider, ProviderSettings, Sender } from '../providers/provider.js';
import type { TokenShelf } from '../providers/token-shelf.js';
import { UpstreamSender } from './upstream.sender.js';
import { openUpstreamSettings, parseUpstreamSettings } from './upstream.settings.js';

/** An existing MobileFirst server in a provider's place. */
export class UpstreamProvider implements Provider {
  readonly name = 'upstream';
  readonly maxBytes = Infinity;
  readonly parseSettings = parseUpstreamSettings;

  /** `ca`: PEM of the authorities to trust instead of the system's; `deadlineMs`: from a request to its whole answer. */
  constructor(private readonly options: { ca?: string; deadlineMs?: number }) {}

  /** How much it takes, it says itself. */
  measure(): number {
    return 0;
  }

  open(settings: ProviderSettings, shelf: TokenShelf, applicationId: string): Sender {
    return new UpstreamSender(this.options, openUpstreamSettings(settings), applicationId, shelf);
  }
}
