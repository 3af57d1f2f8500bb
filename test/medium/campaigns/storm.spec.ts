import { expect, inject, it } from 'vitest';
import { CampaignRoom } from './room.js';
import { playStorm, seeded } from './storm.js';

/** The short form; `npm run campaigns:storm` plays ten minutes with a thousand campaigns. */
it.runIf(inject('postgresUrl'))(
  'ten processes whose clocks differ by ten seconds, killed at random: each firing is exactly one message',
  async () => {
    const room = await CampaignRoom.open('PostgreSQL');
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
