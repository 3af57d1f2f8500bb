import type { ProviderSettings } from '../provider.js';
import { matching } from '../shared/settings-input.js';

export const GIVEN = /^[\x21-\x7e]{1,500}$/;

/**
 * Validates MobileFirst's GCM settings `{senderId, apiKey?}`. They are stored so that apps can read their sender id.
 * They deliver nothing: Google shut the legacy API down in July 2024. The key is never returned. Throws
 * InvalidSettings; its text never contains the input.
 */
export function parseGcmSettings(input: Record<string, unknown>): ProviderSettings {
  const senderId = matching(input, 'senderId', GIVEN, 'must be the sender id, ASCII without spaces');
  if (input.apiKey === undefined) return { visible: { senderId }, secret: {} };
  return {
    visible: { senderId },
    secret: { apiKey: matching(input, 'apiKey', GIVEN, 'must be the key, ASCII without spaces') },
  };
}
