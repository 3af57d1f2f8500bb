import { checkBody } from '../common/body.js';
import { DEFAULT_TTL_S, SendMessageDto } from './message.dto.js';
import type { NewMessage } from './message.repository.js';
import { toNotification } from './notification.js';

export interface Content extends Pick<NewMessage, 'notification' | 'onUnknown'> {
  ttlSeconds: number;
  /** Fields that mean nothing. */
  unknown: string[];
}

/** What a message's body says beside its target, pure. Throws FPWSE0004E and FPWSE0005E. */
export function readContent(body: unknown): Content {
  const { value, unknown } = checkBody(SendMessageDto, body);
  return {
    notification: toNotification(value),
    onUnknown: value.onUnknown ?? null,
    ttlSeconds: value.ttl ?? DEFAULT_TTL_S,
    unknown,
  };
}
