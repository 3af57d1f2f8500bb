import type { RunningSimulators } from '../../test/simulators/client.js';
import type { Random } from '../../test/simulators/shared/random.js';
import { CROWD_PROVIDERS, TAGS } from './crowd.js';
import type { CrowdProvider } from './crowd.js';
import type { Place, Stage } from './stage.js';
import type { Weather } from './weather.js';

/** The messages and faults in their order, derived from the seed before the start. */

export interface Scene {
  stage: Stage;
  weather: Weather;
  simulators: RunningSimulators;
}

export interface Strike {
  name: string;
  /** Returns a line for the report. */
  run(scene: Scene): Promise<string>;
}

export interface Letter {
  name: string;
  body: Record<string, unknown>;
  /** The positions of its recipients in the crowd. */
  audience: (position: number) => boolean;
  size: number;
  cancel?: true;
}

/** A strike or a letter; it begins when this share of the whole audience has been accepted. */
export type Step = { at: number } & ({ strike: Strike } | { letter: Letter });

type Draw = (random: Random) => Strike;

/** The first broadcast runs alone until here; after the second share only retries are left. */
const [FIRST, LAST] = [0.02, 0.88];

export function makePlan(random: Random, crowdSize: number, place: Place, isShort: boolean): Step[] {
  const letters = drawLetters(random, crowdSize, isShort ? 8 : 30);
  const strikes = shuffle(drawStrikes(random, place, isShort), random);
  const spread = (index: number, count: number): number => FIRST + ((LAST - FIRST) * (index + random.next())) / count;
  return [
    ...letters.map((letter, index) => ({ at: index === 0 ? 0 : spread(index, letters.length), letter })),
    ...strikes.map((strike, index) => ({ at: spread(index, strikes.length), strike })),
  ].toSorted((a, b) => a.at - b.at);
}

function drawLetters(random: Random, crowdSize: number, directs: number): Letter[] {
  const tagged = (tag: keyof typeof TAGS, name: string, more: Record<string, unknown>): Letter => ({
    name,
    body: { message: { alert: name }, target: { tagNames: [tag] }, ...more },
    audience: (position) => position % TAGS[tag] === 0,
    size: Math.ceil(crowdSize / TAGS[tag]),
  });
  const direct = (index: number): Letter => {
    const positions = new Set(Array.from({ length: 1 + pick(random, 200) }, () => pick(random, crowdSize)));
    const deviceIds = [...positions].map((position) => `device-${position}`);
    return {
      name: `direct ${index}`,
      body: { message: { alert: `direct ${index}` }, target: { deviceIds } },
      audience: (position) => positions.has(position),
      size: positions.size,
    };
  };
  const rest = [
    tagged('news', 'news', {}),
    tagged('offers', 'offers, not again when unknown', { onUnknown: 'hold' }),
    tagged('offers', 'offers of a few seconds', { ttl: 4 }),
    { ...tagged('offers', 'offers, called off', {}), cancel: true as const },
    ...Array.from({ length: directs }, (_, index) => direct(index)),
  ];
  const everybody = { name: 'everybody', body: { message: { alert: 'everybody' } }, audience: () => true };
  return [{ ...everybody, size: crowdSize }, ...shuffle(rest, random)];
}

function drawStrikes(random: Random, { database, queue }: Place, isShort: boolean): Strike[] {
  /** `long`: the number in the full run; the short one has each once. */
  const times = (long: number, draw: Draw): Strike[] => Array.from({ length: isShort ? 1 : long }, () => draw(random));
  const ofProviders = [
    ...times(5, cut),
    ...times(3, (dice) =>
      fault(dice, 'errors', 0.1, { status: oneOf(dice, [500, 503]), headers: { 'retry-after': '3' } }),
    ),
    ...times(2, (dice) =>
      fault(dice, 'too many requests', 0.1, { status: 429, headers: { 'retry-after': '2' } }, ['fcm', 'web-push']),
    ),
    ...times(2, (dice) => fault(dice, 'lost answers', 0.03, { acceptThenCut: 'rst' })),
    ...times(2, (dice) => fault(dice, 'lost connections', 0.001, { acceptThenCut: true })),
    ...times(2, slow),
  ];
  if (database === 'embedded') return [...ofProviders, ...times(3, kill('everything'))];
  return [
    ...ofProviders,
    ...times(3, kill('worker-1')),
    ...times(3, kill('worker-2')),
    ...times(1, kill('scheduler')),
    ...times(2, kill('api')),
    ...times(1, () => postgres('fast')),
    ...times(2, () => postgres('immediate')),
    ...(queue === 'redis' ? [...times(2, () => flush), ...times(2, redis)] : []),
  ];
}

const flush: Strike = { name: 'Redis flushed', run: ({ stage }) => stage.flushRedis() };

function kill(name: string): Draw {
  return (random) => {
    const pauseMs = pick(random, 2_000);
    return { name: `${name} killed`, run: ({ stage }) => stage.kill(name, pauseMs) };
  };
}

function redis(random: Random): Strike {
  const pauseMs = pick(random, 2_000);
  return { name: 'Redis restarted', run: ({ stage }) => stage.restartRedis(pauseMs) };
}

function postgres(mode: 'fast' | 'immediate'): Strike {
  return { name: `PostgreSQL restarted (${mode})`, run: ({ stage }) => stage.restartPostgres(mode) };
}

function cut(random: Random): Strike {
  const provider = oneOf(random, ['apns', 'fcm'] as const);
  const command = oneOf(random, ['fin', 'tcpReset', 'goawayHalf', 'goaway'] as const);
  const inFlight = oneOf(random, ['lost', 'accepted', 'half'] as const);
  return {
    name: `${provider} cuts its connections (${command}, in flight: ${inFlight})`,
    run: async ({ simulators }) =>
      `${await simulators.admin.commandConnections(command, { provider, inFlight })} connections`,
  };
}

function fault(
  random: Random,
  name: string,
  probability: number,
  action: Parameters<Weather['fault']>[0]['action'],
  providers: readonly CrowdProvider[] = CROWD_PROVIDERS,
): Strike {
  const provider = oneOf(random, providers);
  const forMs = 1_000 + pick(random, 2_000);
  return {
    name: `${provider}: ${name}`,
    run: async ({ weather }) => {
      await weather.fault({ match: { provider, probability }, action }, forMs);
      return `for ${forMs} ms`;
    },
  };
}

function slow(random: Random): Strike {
  const provider = oneOf(random, ['apns', 'fcm'] as const);
  const latencyMs = 800 + pick(random, 1_200);
  const forMs = 2_000 + pick(random, 2_000);
  return {
    name: `${provider} slows down`,
    run: async ({ weather }) => {
      await weather.slow(provider, latencyMs, forMs);
      return `${latencyMs} ms for ${forMs} ms`;
    },
  };
}

/** From 0 to `below`, exclusive. */
function pick(random: Random, below: number): number {
  return Math.floor(random.next() * below);
}

function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[pick(random, list.length)] as T;
}

function shuffle<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((item) => ({ item, order: random.next() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
