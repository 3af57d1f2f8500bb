import type { ProviderName } from '../providers/provider.js';

/** The platform codes of the wire (docs/protocol/mobilefirst.md §9.3). */
export const PLATFORMS = ['A', 'G', 'W', 'WEB_CHROME', 'WEB_FIREFOX', 'WEB_SAFARI', 'H'] as const;
export type Platform = (typeof PLATFORMS)[number];

const PROVIDER_OF: Partial<Record<Platform, ProviderName>> = {
  A: 'apns',
  G: 'fcm',
  W: 'wns',
  WEB_CHROME: 'web-push',
  WEB_FIREFOX: 'web-push',
  WEB_SAFARI: 'web-push',
  H: 'hms',
};

/** A sandbox token selects the sandbox on every platform. */
const SANDBOX_TOKEN = /^sandbox:/;

/** The provider for a device; null if none supports it. */
export function providerFor(platform: Platform, token: string): ProviderName | null {
  return SANDBOX_TOKEN.test(token) ? 'sandbox' : (PROVIDER_OF[platform] ?? null);
}

/** The tutorial prints `M` for Windows, the reference `W`. */
export function readPlatform(text: string): Platform | null {
  const code = text === 'M' ? 'W' : text;
  return (PLATFORMS as readonly string[]).includes(code) ? (code as Platform) : null;
}
