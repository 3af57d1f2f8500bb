import { ValidateBy } from 'class-validator';
import { wrongPathName } from '../common/path-name.js';
import { BROADCAST_TAG } from './audience.repository.js';

const MAX_NAME = 254;
/** Subscriptions of one device. */
const MAX_NAMES = 10_000;

/** The reason why a device's list of subscriptions is refused; null if it is valid. */
export function wrongTagNames(value: unknown): string | null {
  if (!Array.isArray(value)) return 'it must be a list';
  if (value.length > MAX_NAMES) return `it must have at most ${MAX_NAMES} names`;
  for (const name of value as unknown[]) {
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME)
      return `each name must be a string of 1 to ${MAX_NAME} characters`;
    if (name !== BROADCAST_TAG && name.toLowerCase() === BROADCAST_TAG.toLowerCase())
      return `${BROADCAST_TAG} must be in this exact spelling`;
    const wrong = wrongPathName(name);
    if (wrong !== null) return wrong;
  }
  return null;
}

export const IsTagNames = (): PropertyDecorator =>
  ValidateBy({
    name: 'isTagNames',
    validator: {
      validate: (value) => wrongTagNames(value) === null,
      defaultMessage: (given) => wrongTagNames(given?.value) ?? '',
    },
  });
