import { expect, inject, it } from 'vitest';
import { CampaignRoom } from './room.js';
import { playStorm, seeded } from './storm.js';

/** The short form; `npm run campaigns:storm` simulates ten minutes with 1000 campaigns. */
it.runIf(inject('postgresUrl'))(
  'ten processes with clocks ten seconds apart, killed at random, make exactly one message per firing',
  async () => {
    const room = await CampaignRoom.open();
    try {
      const storm = { campaigns: 100, processes: 10, seconds: 60, skewMs: 5_000, kill: 0.1, random: seeded(7) };
      const report = await playStorm(room, storm);
      expect(report).toMatchObject({ missing: 0, repeated: 0, unexpected: 0 });
      expect(report.messages).toBe(report.firings);
      expect(report.expected).toBeGreaterThan(100);
      expect(report.kills).toBeGreaterThan(10);
    } finally {
      await room.remove();
    }
  },
  240_000,
);
