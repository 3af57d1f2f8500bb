import { invalidValue } from '../common/errors.js';
import type { ProviderName } from '../providers/provider.js';
import type { Providers } from '../providers/providers.module.js';
import { providerFor } from './platform.js';
import type { Platform } from './platform.js';

/** A device's token in its stored form. */
export interface DeviceToken {
  provider: ProviderName;
  /** As received, without outer white space. */
  token: string;
  /** Identifies the token at the provider: equal for every spelling of the token. */
  identity: string;
}

/** Throws FPWSE0005E for a token that the provider's sender would refuse. */
export function readDeviceToken(providers: Providers, platform: Platform, text: string): DeviceToken {
  const token = text.trim();
  if (token === '') throw invalidValue('token', 'it must not be blank');
  const provider = providerFor(platform, token);
  if (!provider) throw invalidValue('platform', `platform ${platform} is not supported`);
  const identified = providers[provider].identify(token);
  if ('refusal' in identified) throw invalidValue('token', identified.refusal);
  return { provider, token, identity: identified.identity };
}
