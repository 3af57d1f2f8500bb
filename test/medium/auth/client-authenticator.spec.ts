import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ITSELF } from '../../../src/auth/audit.repository.js';
import { Turnstile } from '../../../src/auth/turnstile.js';
import type { OAuthError } from '../../../src/common/errors.js';
import type { Database } from '../../../src/database/database.js';
import { openPlace } from '../database/places.js';
import { AuthRoom, ROOT, SetClock, basic, refusalOf } from './auth-room.js';

const WRONG = '400 invalid_client';
const WAIT = '429 temporarily_unavailable';
const BUSY = '503 temporarily_unavailable';
const HOME = '192.0.2.1';
const ELSEWHERE = '198.51.100.9';

let database: Database;
let remove: () => Promise<void>;
let clock: SetClock;
let room: AuthRoom;

beforeAll(async () => {
  ({ database, remove } = await openPlace());
  clock = new SetClock(Date.now());
  const { clients } = await AuthRoom.open(database, clock);
  await clients.create(ITSELF, { id: 'root', secret: 'toor', allowedScope: '*' });
  await clients.create(ROOT, { id: 'te st', secret: 'p@ss:1', allowedScope: '*' });
  await clients.create(ROOT, { id: 'off', secret: 'off', allowedScope: '*', enabled: false });
});
afterAll(() => remove());

/** A process that knows of no attempts yet. */
beforeEach(async () => {
  room = await AuthRoom.open(database, clock);
});

const attempt = (id: string, secret: string, address = HOME) =>
  refusalOf(room.authenticator.authenticate(basic(id, secret), address));

async function spend(id: string, address = HOME, count = 10): Promise<void> {
  for (let index = 0; index < count; index++) expect(await attempt(id, `wrong ${index}`, address)).toBe(WRONG);
}

/** CPU time of all threads in ms: scrypt runs on other threads. */
async function cost(act: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('the client of a Basic header', () => {
  it.each([
    ['plain', basic('te st', 'p@ss:1')],
    ['form-encoded with +', basic('te+st', 'p%40ss%3A1')],
    ['form-encoded with %20', basic('te%20st', 'p%40ss%3A1')],
  ])('%s', async (_what, header) => {
    expect((await room.authenticator.authenticate(header, HOME)).id).toBe('te st');
  });

  it('answers an unknown client, a disabled client and a wrong secret alike, at equal cost', async () => {
    expect(await attempt('nobody', 'x')).toBe(WRONG);
    const wrong = await cost(() => attempt('root', 'wrong'));
    for (const [id, secret] of [
      ['nobody', 'wrong'],
      ['off', 'off'],
    ] as const) {
      const other = await cost(async () => expect(await attempt(id, secret)).toBe(WRONG));
      expect(other).toBeGreaterThan(wrong / 3);
      expect(other).toBeLessThan(wrong * 3);
    }
  });

  it('recognises a client in use without a hash for a minute', async () => {
    expect(await attempt('root', 'toor')).toBe('nothing');
    const hot = await cost(() => attempt('root', 'toor'));
    clock.time += 60_000;
    const cold = await cost(() => attempt('root', 'toor'));
    expect(hot).toBeLessThan(cold / 3);
  });
});

describe('guesses', () => {
  it('allows ten guesses per client and address, then one per six seconds; a right secret does not shorten the wait', async () => {
    await spend('root');
    const refused = await room.authenticator.authenticate(basic('root', 'x'), HOME).catch((error: unknown) => error);
    expect((refused as OAuthError).headers).toEqual({ 'retry-after': '6' });
    expect(await attempt('root', 'toor')).toBe(WAIT);
    clock.time += 6_000;
    expect(await attempt('root', 'toor')).toBe('nothing');
    expect(await attempt('root', 'toor')).toBe('nothing');
    expect(await attempt('root', 'wrong')).toBe(WRONG);
    expect(await attempt('root', 'wrong')).toBe(WAIT);
  });

  it('does not limit the same client at another address or another client at the same address', async () => {
    await spend('root');
    expect(await attempt('root', 'toor', ELSEWHERE)).toBe('nothing');
    expect(await attempt('te st', 'p@ss:1')).toBe('nothing');
  });

  it('accepts a secret that was right at an address lately during any number of guesses, which stay refused', async () => {
    expect(await attempt('root', 'toor')).toBe('nothing');
    await spend('root');
    for (let guess = 0; guess < 2_000; guess++) expect(await attempt('root', `guess ${guess}`)).toBe(WAIT);
    expect(await attempt('root', 'toor')).toBe('nothing');
  });

  it('one guess per six seconds for an hour does not lock out a secret that was right an hour ago', async () => {
    expect(await attempt('root', 'toor')).toBe('nothing');
    await spend('root');
    for (let guess = 0; guess < 20; guess++) {
      clock.time += 6_000;
      expect(await attempt('root', `later ${guess}`)).toBe(WRONG);
      expect(await attempt('root', 'toor')).toBe('nothing');
    }
    clock.time += 3_600_000;
    await spend('root');
    expect(await attempt('root', 'toor')).toBe('nothing');
  });

  it('if a secret was not right within two hours, refuses it like the guesses', async () => {
    expect(await attempt('root', 'toor')).toBe('nothing');
    await spend('root', ELSEWHERE);
    expect(await attempt('root', 'toor', ELSEWHERE)).toBe(WAIT);
    clock.time += 2 * 3_600_000;
    await spend('root');
    expect(await attempt('root', 'toor')).toBe(WAIT);
  });

  it('a secret that was right lately loses its allowance after 20,000 different guesses, with a warning', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    expect(await attempt('root', 'toor')).toBe('nothing');
    await spend('root');
    for (let again = 0; again < 30_000; again++) await attempt('root', 'the old secret');
    expect(await attempt('root', 'toor')).toBe('nothing');
    for (let guess = 0; guess < 20_000; guess++) await attempt('root', `guess ${guess}`);
    expect(await attempt('root', 'toor')).toBe(WAIT);
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining(`guessed from the address that the client uses, ${HOME}`)],
    ]);
    warn.mockRestore();
  }, 120_000);

  it('guesses at other clients and a full queue do not lock out a secret that was right at this address lately', async () => {
    expect(await attempt('te st', 'p@ss:1')).toBe('nothing');
    clock.time += 70_000;
    await Promise.all(Array.from({ length: 50 }, (_, index) => attempt(`nobody ${index}`, 'x')));
    expect(await attempt('somebody', 'x')).toBe(WAIT);
    expect(await attempt('te st', 'p@ss:1')).toBe('nothing');
    clock.time += 70_000;
    Reflect.set(room.authenticator, 'hashing', new Turnstile(0, 0));
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    expect(await attempt('root', 'toor')).toBe(BUSY);
    expect(await attempt('te st', 'p@ss:1')).toBe('nothing');
    warn.mockRestore();
  }, 120_000);

  it('a changed secret and a disabled client are refused at once', async () => {
    const { clients } = room;
    await clients.create(ROOT, { id: 'moved', secret: 'old', allowedScope: 'a' });
    expect(await attempt('moved', 'old')).toBe('nothing');
    await spend('moved');
    expect(await attempt('moved', 'old')).toBe('nothing');
    await clients.update(ROOT, 'moved', { enabled: false });
    expect(await attempt('moved', 'old')).toBe(WAIT);
    await clients.update(ROOT, 'moved', { enabled: true });
    await clients.rotateSecret(ROOT, 'moved', { secret: 'new' }, 0);
    expect(await attempt('moved', 'old')).toBe(WAIT);
    await clients.remove(ROOT, 'moved');
  });

  it('a step of the wall clock locks out no client', async () => {
    expect(await attempt('root', 'toor')).toBe('nothing');
    await spend('te st', HOME, 5);
    clock.step = -3_600_000;
    for (const [id, secret] of [
      ['root', 'toor'],
      ['te st', 'p@ss:1'],
    ] as const)
      expect(await attempt(id, secret)).toBe('nothing');
    clock.step = 0;
  });

  it('another spelling of an id is the same client; addresses of one IPv6 network are the same address', async () => {
    await spend('te st');
    expect(await attempt('te+st', 'x')).toBe(WAIT);
    await spend('root', '2001:db8::1');
    expect(await attempt('root', 'x', '2001:db8::ffff')).toBe(WAIT);
    expect(await attempt('root', 'x', '2001:db8:0:1::1')).toBe(WRONG);
  });

  it('many simultaneous guesses are checked up to the limit; the rest waits', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => attempt('root', `wrong ${index}`)));
    expect(answers.filter((answer) => answer === WRONG)).toHaveLength(10);
    expect(answers.filter((answer) => answer === WAIT)).toHaveLength(40);
  });

  it('a client that starts with 200 workers at once is checked once, and all are accepted', async () => {
    const workers = () => Promise.all(Array.from({ length: 200 }, () => attempt('root', 'toor')));
    const one = await cost(() => attempt('te st', 'p@ss:1'));
    const all = await cost(async () => expect(new Set(await workers())).toEqual(new Set(['nothing'])));
    expect(all).toBeLessThan(one * 10);
  });

  it('after fifty ids from one address, hashing ends for it; a client in use there continues', async () => {
    expect(await attempt('root', 'toor')).toBe('nothing');
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => attempt(`nobody ${index}`, 'x')));
    expect(new Set(answers)).toEqual(new Set([WRONG]));
    expect(await attempt('somebody', 'x')).toBe(WAIT);
    expect(await attempt('root', 'toor')).toBe('nothing');
    expect(await attempt('te st', 'p@ss:1', ELSEWHERE)).toBe('nothing');
  }, 120_000);

  it('does not count attempts that failed because the database was unreachable', async () => {
    const looks = Reflect.get(room.feed, 'changes') as unknown;
    Reflect.set(room.feed, 'changes', { versions: () => Promise.reject(new Error('away')) });
    for (let index = 0; index < 11; index++)
      await expect(room.authenticator.authenticate(basic('root', 'toor'), HOME)).rejects.toThrow('away');
    Reflect.set(room.feed, 'changes', looks);
    expect(await attempt('root', 'toor')).toBe('nothing');
  });

  it('asks callers to come again if more arrive than can be hashed soon', async () => {
    // The queue of 128 would take ten seconds; a shorter one shows the same.
    const hashing = new Turnstile(1, 2);
    Reflect.set(room.authenticator, 'hashing', hashing);
    let leave = () => {};
    const inside = hashing.pass(() => new Promise<void>((resolve) => (leave = resolve)));
    const waiting = [attempt('nobody 1', 'x'), attempt('nobody 2', 'x')];
    await vi.waitUntil(() => hashing.isFull(), { timeout: 10_000, interval: 5 });
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    for (const id of ['nobody 3', 'nobody 4']) expect(await attempt(id, 'x')).toBe(BUSY);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^The queue of secrets/)]]);
    warn.mockRestore();
    leave();
    await inside;
    expect(await Promise.all(waiting)).toEqual([WRONG, WRONG]);
  });
});

it('limits the waiting of simultaneous attempts, and refused ones use no allowance', async () => {
  const hashing = new Turnstile(1, 2);
  Reflect.set(room.authenticator, 'hashing', hashing);
  let leave = () => {};
  const inside = hashing.pass(() => new Promise<void>((resolve) => (leave = resolve)));
  const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const attempts = Array.from({ length: 10 }, (_, index) => attempt('root', `wrong ${index}`));
  const answers = Promise.all(attempts);
  // The two waiting attempts are answered when there is room, the rest at once.
  await Promise.all([Promise.race(attempts), vi.waitUntil(() => hashing.isFull(), { timeout: 10_000, interval: 5 })]);
  leave();
  await inside;
  expect((await answers).toSorted()).toEqual([WRONG, WRONG, ...Array<string>(8).fill(BUSY)]);
  warn.mockRestore();
  for (let index = 0; index < 8; index++) expect(await attempt('root', `later ${index}`)).toBe(WRONG);
  expect(await attempt('root', 'toor')).toBe(WAIT);
});

it('INVALID_CLIENT_STATUS 401 adds a challenge', async () => {
  const strict = await AuthRoom.open(database, clock, { invalidClientStatus: 401 });
  const refused = (await strict.authenticator
    .authenticate(basic('root', 'x'), HOME)
    .catch((error: unknown) => error)) as OAuthError;
  expect(refused).toMatchObject({ status: 401, error: 'invalid_client' });
  expect(refused.headers).toEqual({ 'www-authenticate': 'Basic realm="carillon"' });
});
