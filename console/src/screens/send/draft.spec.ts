import { afterEach, describe, expect, it, vi } from 'vitest';
import { clockChange, emptyDraft, toContent, wrongFields } from './draft';
import type { SendDraft } from './draft';

const draft = (members: Partial<SendDraft>): SendDraft => ({ ...emptyDraft(), text: 'Hello', ...members });

describe('a draft of a message', () => {
  it('is a body with nothing but its text', () => {
    expect(toContent(draft({ title: ' ', link: '' }))).toEqual({ message: { alert: 'Hello' } });
  });

  it('has a title, a picture and a link once, and each platform gets them in its own field', () => {
    const content = toContent(draft({ title: 'News', picture: ' https://x.test/p.png ', link: 'https://x.test/' }));
    expect(content).toEqual({
      message: { alert: 'Hello', url: 'https://x.test/' },
      settings: {
        apns: { title: 'News', attachmentUrl: 'https://x.test/p.png' },
        gcm: { androidTitle: 'News', style: { type: 'picture_notification', url: 'https://x.test/p.png' } },
        chromeWeb: { title: 'News' },
        firefoxWeb: { title: 'News' },
        safariWeb: { title: 'News' },
      },
    });
  });

  it('reads the numbers of its fields, and names those that are none', () => {
    const own = { 'apns.badge': '3', 'gcm.channelId': 'news' };
    expect(toContent(draft({ own, ttlHours: '2', label: ' spring ' }))).toMatchObject({
      settings: { apns: { badge: 3 }, gcm: { channelId: 'news' } },
      ttl: 7_200,
      label: 'spring',
    });
    expect(wrongFields(draft({ own: { 'apns.badge': '3.5' }, ttlHours: 'two' }))).toEqual(['apns.badge', 'ttlHours']);
  });

  it('has a key of its own', () => {
    expect(emptyDraft().key).toMatch(/^[0-9a-f]{32}$/);
    expect(emptyDraft().key).not.toBe(emptyDraft().key);
  });
});

describe('clockChange', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    ['Europe/Berlin', '2027-03-28T02:30', 'gap'],
    ['Europe/Berlin', '2027-10-31T02:30', 'fold'],
    ['Europe/Berlin', '2027-10-31T03:30', null],
    ['Europe/Berlin', '2027-10-31T23:45', null],
    ['America/New_York', '2027-03-28T02:30', null],
    ['America/New_York', '2027-11-07T01:30', 'fold'],
    ['Australia/Lord_Howe', '2027-04-04T01:45', 'fold'],
    ['Asia/Kathmandu', '2027-10-31T00:00', null],
    ['Europe/Berlin', '', null],
  ])('in %s, %s: %s', (timeZone, local, wanted) => {
    vi.stubEnv('TZ', timeZone);
    expect(clockChange(local)).toBe(wanted);
  });
});
