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

/** Why devices of a target get nothing: a reason of Carillon in words, or that for which they are retired. */
export function excludedText(reason: string): string {
  const words = texts.audience.reasons;
  const [, tag] = /^not subscribed to (.+)$/.exec(reason) ?? [];
  const [, value] = /^missing value '(.+)'$/s.exec(reason) ?? [];
  if (reason === 'another platform') return words.platform;
  if (tag !== undefined) return words.tag(tag);
  if (value !== undefined) return words.value(value);
  return reason === 'unseen' ? words.unseen : words.retired(reason);
}
