import { invalidValue } from '../common/errors.js';
import type { ProviderName } from '../providers/provider.js';
import type { Providers } from '../providers/providers.module.js';
import { providerFor } from './platform.js';
import type { Platform } from './platform.js';

/** A device's token as it is kept. */
export interface DeviceToken {
  provider: ProviderName;
  /** As it came, without outer white space. */
  token: string;
  /** What it means to the provider: the same for every spelling of the token. */
  identity: string;
}

/** Throws FPWSE0005E for a token that its provider's sender would refuse. */
export function readDeviceToken(providers: Providers, platform: Platform, text: string): DeviceToken {
  const token = text.trim();
  if (token === '') throw invalidValue('token', 'it must not be blank');
  const provider = providerFor(platform, token);
  if (!provider) throw invalidValue('platform', `devices of platform ${platform} cannot be delivered to yet`);
  const identified = providers[provider].identify(token);
  if ('refusal' in identified) throw invalidValue('token', identified.refusal);
  return { provider, token, identity: identified.identity };
}
