import { expect, it } from 'vitest';
import { bound } from './figures.js';

const SAMPLES = {
  carillon_webhook_pending: ['a', 'b', 'c', 'd'].map((app, index) => ({ labels: [app], value: index + 1 })),
  carillon_oldest_pending_seconds: ['a', 'b', 'c'].map((app, index) => ({ labels: [app, 'fcm'], value: index })),
  carillon_credential_expiry_timestamp_seconds: ['b', 'c'].map((app, index) => ({
    labels: [app, 'apns'],
    value: index,
  })),
  carillon_role_missing: [{ labels: ['worker'], value: 1 }],
};

it('sums up the applications beyond the limit, each metric in its way', () => {
  expect(bound(['a'], 1, SAMPLES)).toEqual({
    applications: ['a'],
    samples: {
      carillon_webhook_pending: [
        { labels: ['a'], value: 1 },
        { labels: ['other'], value: 9 },
      ],
      carillon_oldest_pending_seconds: [
        { labels: ['a', 'fcm'], value: 0 },
        { labels: ['other', 'fcm'], value: 2 },
      ],
      carillon_credential_expiry_timestamp_seconds: [{ labels: ['other', 'apns'], value: 0 }],
      carillon_role_missing: [{ labels: ['worker'], value: 1 }],
    },
  });
});

it('leaves out an application that is not registered', () => {
  const { samples } = bound(['a'], 2, SAMPLES);
  expect(samples.carillon_webhook_pending).toEqual([{ labels: ['a'], value: 1 }]);
});
