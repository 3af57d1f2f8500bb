import type { MessageState, Target } from '../../database/tables.js';
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
}

/** Explains why a device is not in a message's audience, in a sentence. Pure. Tags and users may have changed since. */
export function whyNot(given: Circumstances): string {
  const { target, platform } = given;
  if (given.state === 'awaitingApproval') return 'the message waits for approval';
  if (['scheduled', 'accepted', 'expanding'].includes(given.state)) return 'the message is not expanded yet';
  if (given.resendOf !== null) return `the message is a resend of some deliveries of ${given.resendOf}`;
  if (given.createdAt > given.leftAt || (given.lastSeq !== null && given.seq > given.lastSeq))
    return 'the device was registered after the message was sent';
  if (target.platforms && !target.platforms.includes(platform))
    return `the message is for ${target.platforms.join(', ')}, and the device is ${platform}`;
  if (target.deviceIds && !target.deviceIds.includes(given.deviceId)) return 'the message is for other devices';
  if (target.userIds && !(given.userId !== null && target.userIds.includes(given.userId)))
    return 'the message is for other users';
  if (given.retiredAt !== null && given.retiredAt <= given.leftAt)
    return `the device is retired since ${given.retiredAt.toISOString()}: ${given.retiredReason}`;
  const { tagNames } = target;
  if (tagNames && !tagNames.some((name) => given.tags.includes(name) || (name === BROADCAST_TAG && given.broadcast)))
    return 'the device is not subscribed to any of the tags';
  const toAll = !tagNames && !target.deviceIds && !target.userIds;
  if (toAll && !given.broadcast) return `the device has unsubscribed from ${BROADCAST_TAG}`;
  return 'no current data explains it: the device, its user or its tags have changed since';
}
