import { expect, it } from 'vitest';
import { StreamShare } from './stream-share.js';

it.each([
  ['without a connection each call has a minimum', 0, 1, 8],
  ['ten streams', 10, 1, 20],
  ['ten streams among four calls', 10, 4, 8],
  ['a hundred streams among four calls', 100, 4, 50],
  ['a thousand streams: the limit of a call', 1_000, 4, 250],
])('%s', async (_what, streams, calls, expected) => {
  const share = new StreamShare(() => streams, 250);
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const running = Array.from({ length: calls }, () => share.use(() => ended));
  expect(share.each()).toBe(expected);
  end();
  await Promise.all(running);
});
