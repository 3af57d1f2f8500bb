import { getMetadataStorage } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { MessageTextDto, SendMessageDto } from './message.dto.js';
import { checkRestrictions, looksLikeRestriction } from './restriction.js';
import { MessageSettingsDto } from './settings.dto.js';

describe('looksLikeRestriction', () => {
  it.each([
    // MobileFirst's own lists, one level too high, and those of IBM's cloud service.
    ...['targets', 'Target', 'TARGET', 'userIds', 'deviceIds', 'tagNames', 'platforms', 'consumerIds', 'userid'],
    ...['deviceIDs', 'tag_names', 'Platform', 'phoneNumber', 'phoneNumbers', 'user', 'users', 'device', 'tags'],
    // Misspelled.
    ...[
      'tarket',
      'targt',
      'taget',
      'tagret',
      'trget',
      'targer',
      'tragets',
      'deviceId5',
      'usersIds',
      'tagNmaes',
      'plattforms',
    ],
    // FCM, OneSignal, Airship, Parse, Pusher, Azure, SNS, Expo.
    ...['to', 'token', 'tokens', 'topic', 'condition', 'registration_ids', 'registrationTokens'],
    ...['included_segments', 'excluded_segments', 'include_player_ids', 'include_aliases', 'filters', 'filter'],
    ...['audience', 'device_types', 'where', 'channels', 'interests', 'tag', 'TargetArn', 'TopicArn'],
    // Other services, and fields of a campaign's target.
    ...['recipients', 'recipient', 'receivers', 'cc', 'subscribers', 'segment', 'only', 'exclude', 'deviceTokens'],
    ...['languages', 'timeZones', 'appVersion', 'attributes', 'customerIds', 'emails'],
  ])('%s does', (name) => {
    expect(looksLikeRestriction(name)).toBe(true);
  });

  it.each([
    // Unknown fields without a relation to recipients, some of them the vendor's.
    ...['validate', 'messageId', 'custom', 'title', 'text', 'badge', 'budget', 'type', 'typ', 'alerts', 'sound', 'id'],
    ...['category', 'chromeAppExt', 'createdTime', 'campaign', 'tracking', 'metadata', 'version', 'total', 'toast'],
    ...['', '目标', 'x'.repeat(100_000)],
  ])('%s does not', (name) => {
    expect(looksLikeRestriction(name)).toBe(false);
  });

  it('is false for every field of a message', () => {
    const fields = [SendMessageDto, MessageTextDto, MessageSettingsDto].flatMap((type) =>
      getMetadataStorage()
        .getTargetValidationMetadatas(type, '', false, false)
        .map(({ propertyName }) => propertyName),
    );
    expect(new Set(fields.filter(looksLikeRestriction))).toEqual(new Set(['target']));
  });
});

describe('checkRestrictions', () => {
  it.each<[string, object]>([
    ['targets', { targets: { userIds: ['ann'] } }],
    ['to', { to: 'ann' }],
    ['userIds', { userIds: [] }],
    ['message.target', { message: { alert: 'x', target: { userIds: ['ann'] } } }],
    ['message.userIds', { message: { alert: 'x', userIds: ['ann'] } }],
    ['settings.platforms', { settings: { platforms: ['A'] } }],
    ['tags', { target: { userIds: ['ann'] }, tags: ['x'] }],
    ['settings.target', { target: { platforms: ['A'] }, settings: { target: { userIds: ['ann'] } } }],
  ])('refuses %s, naming it and target', (field, request) => {
    expect(() => checkRestrictions(request as Record<string, unknown>)).toThrow(
      new RegExp(`'${field}' parameter value: .*'target'`),
    );
  });

  it('accepts null, a target in its places, and any member of payloads', () => {
    for (const request of [
      { userIds: null, target: { userIds: ['ann'] }, settings: { target: null } },
      { settings: { target: {}, apns: { payload: { userIds: ['ann'], to: 'x' } } } },
      { message: 'x', settings: [] },
    ])
      expect(() => checkRestrictions(request)).not.toThrow();
  });
});
