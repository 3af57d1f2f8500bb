import type { components } from '../api/schema';
import { texts } from '../texts/texts';

/** Carillon's own reasons (docs/troubleshooting.md) and the frequent ones of the providers, each with its mend. */
export function meaningOf(reason: string): string {
  const { reasons } = texts.message;
  const known: [RegExp, string][] = [
    [/is not configured for this application/, reasons.notConfigured],
    [/no longer registered/, reasons.gone],
    [/^missing value/, reasons.missingValue],
    [/the provider takes|PayloadTooLarge|HTTP 413/, reasons.tooLarge],
    [
      /Unregistered|UNREGISTERED|BadDeviceToken|DeviceTokenNotForTopic|ExpiredToken|HTTP 410|HTTP 404|^gone$|^invalid$/,
      reasons.deadToken,
    ],
    [/TooManyRequests|QUOTA_EXCEEDED|HTTP 429|throttled/i, reasons.throttled],
    [/ProviderToken|SENDER_ID_MISMATCH|THIRD_PARTY_AUTH|HTTP 40[13]|token endpoint/, reasons.credentials],
    [/INTERNAL|UNAVAILABLE|HTTP 5\d\d|timeout|ECONN|left alone/i, reasons.away],
  ];
  return known.find(([pattern]) => pattern.test(reason))?.[1] ?? reasons.provider;
}

/** Why a provider is paused: Carillon's own reason in words, every other in those of the provider. */
export function pauseText(reason: string): string {
  return reason.startsWith('most devices were answered') ? texts.providers.guard : reason;
}

/** Why a device is retired: its provider's reason, or our own. */
export function retirementText(reason: string): string {
  return reason === 'unseen' ? texts.devices.unseen : reason;
}

export type Exclusion = components['schemas']['ExclusionAnswer'];

/** Why devices of a target get nothing. */
export function excludedText({ code, reason, placeholder = '' }: Exclusion): string {
  const words = texts.codes.exclusions;
  switch (code) {
    case 'otherPlatform':
    case 'unsubscribed':
      return words[code];
    case 'missingValue':
      return words[code](placeholder);
    case 'retired':
      return words[code](retirementText(reason));
    default:
      // A newer API may know more.
      code satisfies never;
      return reason;
  }
}
