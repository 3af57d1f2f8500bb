import { describe, expect, it } from 'vitest';
import { InvalidSettings } from '../provider.js';
import { parseGcmSettings } from './gcm.settings.js';

describe('parseGcmSettings', () => {
  it('returns the sender id and hides the key, which is optional', () => {
    expect(parseGcmSettings({ senderId: '123', apiKey: 'AIza' })).toEqual({
      visible: { senderId: '123' },
      secret: { apiKey: 'AIza' },
    });
    expect(parseGcmSettings({ senderId: '123' })).toEqual({ visible: { senderId: '123' }, secret: {} });
  });

  it.each([
    ['senderId', {}],
    ['senderId', { senderId: '', apiKey: 'k' }],
    ['senderId', { senderId: 123, apiKey: 'k' }],
    ['senderId', { senderId: '1'.repeat(501) }],
    ['apiKey', { senderId: '123', apiKey: 'two words' }],
    ['apiKey', { senderId: '123', apiKey: null }],
  ])('refuses %s in %j', (field, input) => {
    try {
      parseGcmSettings(input);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidSettings);
      expect((error as InvalidSettings).field).toBe(field);
    }
  });
});
