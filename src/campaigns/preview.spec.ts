import { expect, it } from 'vitest';
import type { Definition } from './campaign.js';
import { previewFirings } from './preview.js';

const definition = (change: Partial<Definition>): Definition => ({
  name: 'n',
  content: { message: { alert: 'hi' } },
  schedule: { cron: '30 2 * * *', timeZone: 'Europe/Berlin' },
  ...change,
});
const from = (text: string) => Date.parse(text);

/** Devices of a provider without a limit. */
const devices = (count: number): Parameters<typeof previewFirings>[4] => [
  {
    count,
    limits: {
      provider: 'apns',
      ramp: undefined,
      pausedReason: null,
      pace: null,
      blockedUntil: null,
      traffic: { lastSuccessAt: null, proven: null },
      ahead: 1_000_000,
    },
  },
];

it('describes the effect of daylight saving', () => {
  expect(previewFirings(definition({}), 'c', from('2026-03-28T12:00Z'), 2, [])).toEqual([
    {
      localTime: '2026-03-29T02:30:00',
      time: '2026-03-29T01:00:00.000Z',
      finishTime: '2026-03-29T01:00:00.000Z',
      binding: { kind: 'time', untilTime: '2026-03-29T01:00:00.000Z' },
      notes: [
        {
          code: 'gap',
          message: '2026-03-29T02:30:00 does not exist in Europe/Berlin: the campaign fires at 2026-03-29T03:00:00',
          localTime: '2026-03-29T03:00:00',
        },
      ],
    },
    {
      localTime: '2026-03-30T02:30:00',
      time: '2026-03-30T00:30:00.000Z',
      finishTime: '2026-03-30T00:30:00.000Z',
      binding: { kind: 'time', untilTime: '2026-03-30T00:30:00.000Z' },
      notes: [],
    },
  ]);
  expect(previewFirings(definition({}), 'c', from('2026-10-24T12:00Z'), 1, [])[0]?.notes).toEqual([
    {
      code: 'fold',
      message: '2026-10-25T02:30:00 comes twice in Europe/Berlin: the campaign fires the first time',
    },
  ]);
});

it('estimates the end of a rate or a spread, with quiet hours in between', () => {
  const schedule = { cron: '0 20 * * *' };
  const finish = (policies: Definition['policies'], audience: number) => {
    const [firing] = previewFirings(
      definition({ schedule, policies }),
      'c',
      from('2026-11-30T00:00Z'),
      1,
      devices(audience),
    );
    return [firing?.finishTime, firing?.binding.kind];
  };
  expect(finish({ ratePerSecond: 2.5 }, 9_001)).toEqual(['2026-11-30T21:00:00.000Z', 'rate']);
  expect(finish({ spreadSeconds: 5_400 }, 7)).toEqual(['2026-11-30T21:30:00.000Z', 'spread']);
  const quietHours = { from: '22:00', to: '08:00', action: 'hold' as const };
  expect(finish({ ratePerSecond: 1, quietHours }, 3 * 3_600 + 1)).toEqual(['2026-12-01T09:00:00.000Z', 'quietHours']);
  expect(finish({}, 7_200_000)).toEqual(['2026-11-30T22:00:00.000Z', 'speed']);
  expect(finish({ ratePerSecond: 50_000 }, 7_200_000)).toEqual(['2026-11-30T22:00:00.000Z', 'speed']);
});

it('warns of deliveries after the time to live', () => {
  const short = definition({ content: { message: { alert: 'hi' }, ttl: 600 }, policies: { ratePerSecond: 1 } });
  const notes = (audience: number) =>
    previewFirings(short, 'c', from('2026-11-30T00:00Z'), 1, devices(audience))[0]?.notes;
  expect(notes(600)).toEqual([]);
  expect(notes(700)).toEqual([{ code: 'afterTtl', message: 'deliveries due after the time to live are not sent' }]);
});

it('lists the first and last time around the world in the recipients’ time', () => {
  const schedule = { at: ['2026-11-30T09:00'], timeZone: 'recipient' };
  expect(previewFirings(definition({ schedule }), 'c', 0, 5, devices(10))).toMatchObject([
    { localTime: '2026-11-30T09:00:00', time: '2026-11-29T19:00:00.000Z', lastTime: '2026-11-30T20:00:00.000Z' },
  ]);
});
