import { numberText } from '../parts/format';

const devices = (value: number): string => `${numberText(value)} ${value === 1 ? 'device' : 'devices'}`;

const idsText = (value: number): string => (value === 1 ? 'one id' : `${numberText(value)} ids`);

/** The codes of the API in words. */
export const codes = {
  /** The API's own sentences are English, and name the field and the reason. */
  failure: (_code: string, message: string) => message,
  warnings: {
    unknownField: (field: string) => `The unknown field '${field}' is ignored.`,
    noSms: 'SMS is not supported: only the push is sent.',
    unsupportedPlatform: (platform: string) => `${platform} is not supported: nothing is sent to it.`,
    emptyList: (field: string) => `'${field}' is empty and ignored: all devices of the platforms get the message.`,
    unregisteredIds: (count: number, ids: string) => `No device is registered for ${idsText(count)}: ${ids}.`,
    retiredIds: (count: number, ids: string) => `Only retired devices are registered for ${idsText(count)}: ${ids}.`,
    undivided:
      'The message names no devices or users: the upstream gets the whole message, and devices that are registered only here do not get it.',
    relayed: 'The whole message goes by the upstream, which alone knows the number of its devices.',
    relayedPart: (count: number, of: number) =>
      `The message to ${numberText(count)} of ${numberText(of)} ids goes by the upstream, which alone knows the number of its devices.`,
    expiresFirst: 'By the estimate the message expires before all its deliveries are sent.',
    awaitsApproval: 'The message goes to so many devices that it waits for the approval of another client or person.',
    concurrentRun: 'An earlier run has not ended: both send at the same time.',
  },
  exclusions: {
    otherPlatform: 'another platform',
    unsubscribed: 'unsubscribed from messages to everybody',
    missingValue: (name: string) => `no value for ${name}`,
    retired: (reason: string) => `retired (${reason})`,
  },
  blocked: {
    applicationDisabled: 'The application is disabled.',
    applicationStopped: 'The application is stopped.',
    notConfigured: (provider: string) => `${provider} is not configured for this application.`,
    providerPaused: (provider: string, reason: string) => `${provider} is paused: ${reason}`,
    tooLarge: (provider: string, bytes: number, limit: number) =>
      `The message is ${numberText(bytes)} bytes, and ${provider} takes ${numberText(limit)}.`,
  },
  whyNot: {
    awaitingApproval: 'The message waits for approval.',
    notExpanded: 'The message has not looked for its devices yet.',
    resend: (message: string) => `The message is a repeat, for some deliveries of ${message} alone.`,
    registeredLater: 'The device was registered after the message was sent.',
    otherPlatform: (platforms: string) => `The message is for another platform: ${platforms}.`,
    otherDevices: 'The message is for other devices.',
    otherUsers: 'The message is for other users.',
    otherLanguage: 'The message is for devices of other languages.',
    otherTimeZone: 'The message is for devices in other time zones.',
    otherAppVersion: 'The message is for other versions of the app.',
    otherAttribute: (name: string) => `The message is for devices with another value of the attribute ${name}.`,
    otherVariant: 'The campaign has another variant for this user, or none.',
    notSubscribed: 'The device is not subscribed to any of the tags.',
    unsubscribed: 'The device has unsubscribed from messages to everybody.',
    retired: (time: string, reason: string) => `The device is retired since ${time}: ${reason}`,
    dailyCap: (count: number) =>
      `The daily cap of the campaign left out ${devices(count)}, and nothing but this explains it.`,
    changedSince: 'Nothing that is known now explains it: the device, its user or its tags have changed since.',
  },
  /** Why a campaign, a run or a wave does not send. */
  campaign: {
    applicationDisabled: 'The application is disabled.',
    earlierRun: 'An earlier run had not ended, and the rule for overlaps skips.',
    overtaken: 'The next firing overtook it.',
    quietHours: 'It was the quiet hours of its recipients.',
    endsInQuietHours: 'Its time to live ends before the quiet hours do.',
    expired: 'Its time to live had ended.',
    removed: 'The campaign was deleted.',
    approval: 'It goes to so many devices that another client or person has to approve.',
    missed: 'It was missed, and the rule for missed firings leaves it out.',
    failures: 'Too many deliveries of the last run failed or were rejected.',
    clientGone: 'The client that created the campaign was deleted or disabled.',
    invalid: (reason: string) => `The definition is no longer valid: ${reason}`,
  },
};
