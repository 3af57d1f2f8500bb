import type { DeviceCondition, MessageState, Target } from '../../database/tables.js';
import { BROADCAST_TAG } from '../../devices/audience.repository.js';

/** Current data of a device and of a message that was not sent to that device. */
export interface Circumstances {
  state: MessageState;
  target: Target;
  /** The highest seq of the audience; null if the audience needed no expansion, or is not expanded yet. */
  lastSeq: number | null;
  resendOf: string | null;
  leftAt: Date;
  seq: number;
  createdAt: Date;
  deviceId: string;
  platform: string;
  userId: string | null;
  broadcast: boolean;
  retiredAt: Date | null;
  retiredReason: string | null;
  tags: string[];
  /** The first condition of the target that the device does not meet now; null: there is none. */
  unmet: DeviceCondition | null;
  /** Devices that the daily cap of the campaign left out. */
  capped: number;
}

/** Sentences without figures and names. */
const SENTENCES = {
  awaitingApproval: 'the message waits for approval',
  notExpanded: 'the message is not expanded yet',
  registeredLater: 'the device was registered after the message was sent',
  otherDevices: 'the message is for other devices',
  otherUsers: 'the message is for other users',
  otherLanguage: 'the message is for devices of other languages',
  otherTimeZone: 'the message is for devices in other time zones',
  otherAppVersion: 'the message is for other versions of the app',
  otherVariant: 'the campaign has another variant for this user, or none',
  notSubscribed: 'the device is not subscribed to any of the tags',
  unsubscribed: `the device has unsubscribed from ${BROADCAST_TAG}`,
  changedSince: 'no current data explains it: the device, its user or its tags have changed since',
};

export const WHY_NOT_CODES = [
  ...(Object.keys(SENTENCES) as (keyof typeof SENTENCES)[]),
  'resend',
  'otherPlatform',
  'otherAttribute',
  'retired',
  'dailyCap',
] as const;

/** A code for programs, with its figures and names, and a sentence for people. */
export interface WhyNot {
  reason: string;
  reasonCode: (typeof WHY_NOT_CODES)[number];
  /** Of `resend`: the message of which some deliveries were sent again. */
  resendOf?: string;
  /** Of `otherPlatform`: those of the target. */
  targetPlatforms?: string[];
  /** Of `otherAttribute`: its name. */
  attribute?: string;
  /** Of `dailyCap`: devices that it left out. */
  capped?: number;
  /** Of `retired`. */
  retiredAt?: Date;
  retiredReason?: string;
}

/** Explains why a device is not in a message's audience. Pure. Tags and users may have changed since. */
export function whyNot(given: Circumstances): WhyNot {
  const { target, platform, resendOf, retiredAt } = given;
  const { platforms, tagNames } = target;
  if (given.state === 'awaitingApproval') return say('awaitingApproval');
  if (['scheduled', 'accepted', 'expanding'].includes(given.state)) return say('notExpanded');
  if (resendOf !== null)
    return { reasonCode: 'resend', reason: `the message is a resend of some deliveries of ${resendOf}`, resendOf };
  if (given.createdAt > given.leftAt || (given.lastSeq !== null && given.seq > given.lastSeq))
    return say('registeredLater');
  if (platforms && !platforms.includes(platform)) {
    const reason = `the message is for ${platforms.join(', ')}, and the device is ${platform}`;
    return { reasonCode: 'otherPlatform', reason, targetPlatforms: platforms };
  }
  if (target.deviceIds && !target.deviceIds.includes(given.deviceId)) return say('otherDevices');
  if (target.userIds && !(given.userId !== null && target.userIds.includes(given.userId))) return say('otherUsers');
  if (retiredAt !== null && retiredAt <= given.leftAt) {
    const reason = `the device is retired since ${retiredAt.toISOString()}: ${given.retiredReason}`;
    return { reasonCode: 'retired', reason, retiredAt, retiredReason: given.retiredReason ?? undefined };
  }
  if (tagNames && !tagNames.some((name) => given.tags.includes(name) || (name === BROADCAST_TAG && given.broadcast)))
    return say('notSubscribed');
  const toAll = !tagNames && !target.deviceIds && !target.userIds;
  if (toAll && !given.broadcast) return say('unsubscribed');
  if (given.unmet) return ofCondition(given.unmet);
  const { capped } = given;
  if (capped === 0) return say('changedSince');
  const reason = `the daily cap of the campaign left out ${capped} devices, and no current data but this explains it`;
  return { reasonCode: 'dailyCap', reason, capped };
}

const BY_CONDITION = {
  language: 'otherLanguage',
  timeZone: 'otherTimeZone',
  appVersion: 'otherAppVersion',
  share: 'otherVariant',
} as const;

function ofCondition(unmet: DeviceCondition): WhyNot {
  if (!('name' in unmet)) return say(BY_CONDITION[unmet.kind]);
  const { name: attribute } = unmet;
  const reason = `the message is for devices with another value of the attribute '${attribute}'`;
  return { reasonCode: 'otherAttribute', reason, attribute };
}

function say(reasonCode: keyof typeof SENTENCES): WhyNot {
  return { reasonCode, reason: SENTENCES[reasonCode] };
}
