import { expect, it } from 'vitest';
import { withIterations } from '../../../test/harness/ber.js';
import { P12_PASSWORD, makeP12 } from '../../../test/harness/p12.js';
import { openPkcs12Aside } from './pkcs12.thread.js';

const { p12, certificate } = makeP12('/UID=com.example.app');
/** Some tenths of a second of work, more on a busy machine. Its MAC then belongs to another password. */
const slow = withIterations(p12, 200_000, 'mac');

it('the event loop runs while a slow file is opened', async () => {
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  turn();
  expect(await openPkcs12Aside(slow, P12_PASSWORD)).toBe('password');
  isOver = true;
  expect(turns).toBeGreaterThan(100);
}, 60_000);

it('ends a thread at its deadline and opens the next file', async () => {
  const late = openPkcs12Aside(slow, P12_PASSWORD, 1);
  const next = openPkcs12Aside(p12, P12_PASSWORD);
  expect(await late).toBe('time');
  expect(await next).toMatchObject({ certificate });
}, 60_000);
