import { checkBody } from '../common/body.js';
import { invalidValue } from '../common/errors.js';
import { SendMessageDto } from '../messages/request/message.dto.js';
import type { NewMessage } from '../messages/send/new-message.js';
import { toNotification } from '../messages/request/build-notification.js';
import { checkRestrictions } from '../messages/request/restriction.js';
import { readTiming } from '../messages/request/timing.js';

export interface PreparedContent extends Pick<NewMessage, 'notification' | 'onUnknown' | 'label'> {
  ttlSeconds: number;
  /** Unknown fields. */
  unknown: string[];
}

/** Fields of a message that a campaign replaces by its schedule, or does not support. */
const NOT_OF_CONTENT = ['sendAt', 'expiresAt', 'data', 'dryRun'];

/** Reads a campaign's content: the body of its messages without a target, pure. Throws FPWSE0004E and FPWSE0005E. */
export function readContent(body: unknown): PreparedContent {
  for (const field of NOT_OF_CONTENT)
    if (typeof body === 'object' && body !== null && field in body)
      throw invalidValue(
        field,
        'a campaign does not support it: use the schedule and ttl; values of placeholders come from the devices',
      );
  const { value, unknown } = checkBody(SendMessageDto, body);
  checkRestrictions(body as Record<string, unknown>);
  return {
    notification: toNotification(value),
    onUnknown: value.onUnknown ?? null,
    label: value.label ?? undefined,
    ttlSeconds: readTiming({ ttl: value.ttl ?? undefined }, 0).expiresAt.getTime() / 1_000,
    unknown,
  };
}
