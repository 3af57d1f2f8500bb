import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startCarillon } from '../harness/carillon.js';
import { Deployment } from '../harness/deployment.js';
import { FAKED, FAKETIME, FakeClock } from '../harness/faketime.js';
import { startPostgres } from '../harness/servers.js';
import { SERVERS } from './stages.js';

/** One process has a wrong clock (libfaketime); the database's clock is the one that counts. */

const CODES = 100;

describe.runIf(SERVERS !== null && (FAKETIME !== null || process.env.CI === 'true'))(
  'a wrong clock of one process',
  () => {
    let deployment: Deployment | undefined;
    afterEach(() => deployment?.stop());

    /** One-time codes that live for a minute. */
    const expectCodesAccepted = async ({ api }: Deployment): Promise<void> => {
      const ids = await Promise.all(
        Array.from({ length: CODES }, (_, index) =>
          api.send({ message: { alert: 'Code' }, target: { userIds: [`user-${index}`] }, ttl: 60 }),
        ),
      );
      const ends = await Promise.all(ids.map((id) => api.waitFor(id, (report) => 'finishedTime' in report)));
      expect(ends.filter(({ outcomes }) => outcomes.accepted === 1)).toHaveLength(CODES);
    };

    it('a worker 90 s ahead expires no code of 60 s', async () => {
      deployment = await Deployment.start(SERVERS!, CODES);
      const wrong = await deployment.startProcess('worker', { ...FAKED, FAKETIME: '+90s' });
      await expectCodesAccepted(deployment);
      expect(wrong.output()).toMatch(/clock of this host is (89|90)\.\d s ahead of the database’s, which is used/);
    });

    it('an api 90 s behind accepts codes of 60 s that live for 60 s', async () => {
      deployment = await Deployment.start(SERVERS!, CODES, { ...FAKED, FAKETIME: '-90s' });
      await deployment.startProcess('worker');
      await expectCodesAccepted(deployment);
    });

    it('a worker that jumps two hours ahead in a broadcast expires nothing, pauses nothing and leaves the rest to the other worker', async () => {
      const devices = 2_500;
      const folder = mkdtempSync(join(tmpdir(), 'carillon-clock-'));
      try {
        const file = join(folder, 'time');
        writeFileSync(file, '+0s');
        deployment = await Deployment.start(SERVERS!, devices);
        const wrong = await deployment.startProcess('worker', {
          ...FAKED,
          FAKETIME_TIMESTAMP_FILE: file,
          FAKETIME_NO_CACHE: '1',
        });
        const messageId = await deployment.broadcastUntilMiddle({ ttl: 3_600 });
        writeFileSync(file, '+2h');
        await expect.poll(() => wrong.output(), { timeout: 20_000 }).toContain('nothing is sent until it is right');
        const ofSystem = async () =>
          (await deployment!.api.call<{ problems: { code: string; message: string }[] }>('GET', '/system')).body
            .problems;
        await expect.poll(ofSystem, { timeout: 20_000 }).toContainEqual(
          expect.objectContaining({
            code: 'clockWrong',
            message: expect.stringMatching(/^The clock of worker on .* 7\d\d\d s ahead/),
          }),
        );
        await deployment.startProcess('worker');
        const report = await deployment.api.waitFor(messageId);
        expect(report.outcomes).toMatchObject({ accepted: devices, expired: 0 });
        expect(await deployment.simulators.admin.ledger('apns', messageId)).toMatchObject({ repeats: 0 });
        expect(JSON.stringify((await deployment.api.app('GET', '/providers')).body)).not.toContain('pausedReason');
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);

describe.runIf(FAKETIME !== null)('a machine that starts in 1970', () => {
  it('serves nothing, logs the reason, and continues by itself when the clock is right', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-clock-'));
    // PostgreSQL runs as another user.
    chmodSync(folder, 0o755);
    const clockOfDatabase = new FakeClock(join(folder, 'time'));
    clockOfDatabase.set(600 - Math.floor(Date.now() / 1_000));
    // A timer of PostgreSQL that interrupts libfaketime gets the machine's time, at which all timeouts of the session
    // have passed: a session of the migration ended so. Without a read of the file, each call is short.
    const cached = { FAKETIME_NO_CACHE: '0', FAKETIME_CACHE_DURATION: '1' };
    const postgres = await startPostgres({ environment: { ...clockOfDatabase.environment, ...cached } });
    const carillon = await startCarillon({
      DATABASE_URL: postgres.url,
      DATA_DIR: join(folder, 'data'),
      MASTER_KEY: randomBytes(32).toString('base64'),
    });
    try {
      const ask = async (path: string) => {
        const answer = await fetch(`${carillon.url}${path}`);
        return { status: answer.status, body: (await answer.json()) as unknown };
      };
      const clock = expect.stringMatching(
        /^The clock of the database shows 1970-01-01T.*, which cannot be right$/,
      ) as string;
      expect(await ask('/health/ready')).toEqual({
        status: 503,
        body: { status: 'not ready', database: 'up', queue: 'up', clock },
      });
      expect(await ask('/imfpush/v1/apps')).toMatchObject({ status: 503, body: { code: 'FPWSE0025E' } });
      expect(carillon.output()).toContain('nothing is served, sent or removed until it is right');
      clockOfDatabase.set(0);
      await expect.poll(async () => (await ask('/health/ready')).status, { timeout: 20_000 }).toBe(200);
      expect((await ask('/imfpush/v1/apps')).status).toBe(401);
      expect(carillon.output()).toContain('everything goes on');
    } finally {
      await carillon.kill();
      await postgres.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
