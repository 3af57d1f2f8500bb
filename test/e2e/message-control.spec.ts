import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Api } from '../harness/api.js';
import type { MessageReport } from '../harness/api.js';
import { startCarillon } from '../harness/carillon.js';
import type { RunningCarillon } from '../harness/carillon.js';
import { STAGES } from './stages.js';

interface FullReport extends MessageReport {
  waitingFor?: { kind: string };
}

/** Devices of a user by the outcome of their tokens. */
const CROWD: Readonly<Record<string, number>> = {
  accepted: 700,
  slow: 300,
  throttled: 300,
  unavailable: 200,
  ambiguous: 50,
  rejected: 40,
  'throttled-forever': 10,
};
const sumOf = (counts: Record<string, number>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Control of an open message: pause, resume, cancel, and a resend of a part. */

describe.each(STAGES)('on $name', (stage) => {
  let carillon: RunningCarillon;
  let api: Api;
  let clean: () => void;
  beforeAll(async () => {
    const prepared = await stage.prepare();
    clean = prepared.clean;
    carillon = await startCarillon(prepared.environment);
    api = await Api.connect(carillon.url);
    await api.registerDevices([
      { deviceId: 'busy', platform: 'A', token: 'sandbox:throttled-forever:busy', userId: 'both' },
      { deviceId: 'idle', platform: 'A', token: 'sandbox:accepted:idle', userId: 'both' },
    ]);
  });
  afterAll(async () => {
    await carillon.stop();
    clean();
  });

  /** One delivery is accepted at once; the other has to wait for as long as the message lives. */
  const sendToBoth = async (): Promise<string> => {
    const id = await api.send({ message: { alert: 'Hello' }, target: { userIds: ['both'] } });
    await api.waitFor(id, ({ outcomes }) => (outcomes.accepted ?? 0) >= 1);
    return id;
  };
  const act = (id: string, verb: string, body?: unknown, headers?: Record<string, string>) =>
    api.app<{ code?: string; message?: string; messageId?: string; resendOf?: string }>(
      'POST',
      `/messages/${id}/${verb}`,
      body,
      headers,
    );

  it('pauses, resumes, cancels, and resends exactly the cancelled deliveries', async () => {
    const id = await sendToBoth();
    const paused = [await act(id, 'pause'), await act(id, 'pause')];
    expect(paused.map(({ status, body }) => [status, body])).toEqual([
      [204, undefined],
      [204, undefined],
    ]);
    expect((await api.message(id)).state).toBe('paused');
    expect((await act(id, 'resend', { outcomes: ['failed'] })).body.code).toBe('CARIL0409E');
    expect([(await act(id, 'resume')).status, (await act(id, 'resume')).status]).toEqual([204, 204]);
    expect((await api.message(id)).state).toBe('sending');
    await act(id, 'pause');
    const cancelled = await api.app('DELETE', `/messages/${id}`);
    expect([cancelled.status, cancelled.body]).toEqual([204, undefined]);
    const ended = await api.waitFor(id, (report) => 'finishedTime' in report);
    expect(ended).toMatchObject({ state: 'cancelled', outcomes: { accepted: 1, cancelled: 1 } });
    for (const verb of ['pause', 'resume']) {
      const refused = await act(id, verb);
      expect([refused.status, refused.body.code]).toEqual([409, 'CARIL0409E']);
      expect(refused.body.message).toContain(`cancelled, so nothing is left to ${verb}`);
    }

    // By now the device accepts messages.
    await api.registerDevices([{ deviceId: 'busy', platform: 'A', token: 'sandbox:accepted:busy', userId: 'both' }]);
    const key = { 'Idempotency-Key': 'again' };
    const again = await act(id, 'resend', { outcomes: ['cancelled', 'unknown'], ttl: 60 }, key);
    expect([again.status, again.body.resendOf]).toEqual([202, id]);
    const repeated = await act(id, 'resend', { outcomes: ['cancelled', 'unknown'], ttl: 60 }, key);
    expect([repeated.status, repeated.body, repeated.headers.get('idempotent-replayed')]).toEqual([
      202,
      again.body,
      'true',
    ]);
    const other = await act(id, 'resend', { outcomes: ['cancelled'], ttl: 60 }, key);
    expect([other.status, other.body.code]).toEqual([409, 'FPWSE0002E']);
    const report = await api.waitFor(again.body.messageId ?? '');
    expect(report).toMatchObject({ alert: 'Hello', audience: 1, outcomes: { accepted: 1 }, resendOf: id });
    expect((await api.message(id)) as MessageReport & { resends: string[] }).toMatchObject({
      resends: [again.body.messageId],
    });
  });

  it.each<[string, unknown, string, RegExp]>([
    ['no body', undefined, 'FPWSE0004E', /body is required/],
    ['no outcomes', {}, 'FPWSE0005E', /'outcomes'.*required/],
    ['outcomes that are not a list', { outcomes: 'failed' }, 'FPWSE0005E', /'outcomes'.*list/],
    ['an empty list', { outcomes: [] }, 'FPWSE0005E', /'outcomes'.*at least one/],
    ['accepted deliveries', { outcomes: ['failed', 'accepted'] }, 'FPWSE0005E', /'outcomes'.*rejected, failed/],
    // Ignored, each of them would send to more than the caller means.
    ['users', { outcomes: ['failed'], userIds: ['ann'] }, 'FPWSE0005E', /'userIds'.*no such field/],
    ['a target', { outcomes: ['failed'], target: { userIds: ['ann'] } }, 'FPWSE0005E', /'target'.*no such field/],
    ['a dry run', { outcomes: ['failed'], dryRun: true }, 'FPWSE0005E', /'dryRun'.*no such field/],
    ['a life of 0 seconds', { outcomes: ['failed'], ttl: 0 }, 'FPWSE0005E', /'ttl'.*at least 1/],
  ])('refuses a resend with %s', async (_what, body, code, says) => {
    const id = await sendToBoth();
    const refused = await act(id, 'resend', body);
    expect([refused.status, refused.body.code]).toEqual([400, code]);
    expect(refused.body.message).toMatch(says);
  });

  it('refuses an unknown message, and requires messages.write', async () => {
    for (const verb of ['pause', 'resume', 'resend']) {
      const unknown = await act('Nobody00', verb, verb === 'resend' ? { outcomes: ['failed'] } : undefined);
      expect([unknown.status, unknown.body.code]).toEqual([404, 'FPWSE0001E']);
      const reader = await Api.connect(carillon.url, undefined, 'messages.read push.application.com.example.app');
      expect((await reader.app('POST', `/messages/Nobody00/${verb}`)).status).toBe(403);
    }
  });

  /** Looks at the message and at the list until the message has ended; `act` follows each look. */
  async function watch(id: string, act: (report: FullReport) => Promise<unknown> = () => Promise.resolve()) {
    for (const looks: FullReport[] = []; ;) {
      const { body: report } = await api.app<FullReport>('GET', `/messages/${id}`);
      const { body } = await api.app<{ messages: MessageReport[] }>('GET', '/messages?size=20');
      for (const each of [report, body.messages.find(({ messageId }) => messageId === id)!]) {
        const { pending = NaN, inFlight = NaN } = each.outcomes;
        expect(Object.keys(each.outcomes)).toHaveLength(8);
        expect(sumOf(each.outcomes), each.state).toBe(each.audience);
        if (each.state === 'finished' || each.finishedTime !== undefined) expect(pending + inFlight).toBe(0);
      }
      looks.push(report);
      if (report.finishedTime !== undefined) {
        const path = `/messages/${id}/deliveries?deviceId=throttled-forever:0`;
        const { body: last } = await api.app<{ deliveries: unknown[] }>('GET', path);
        const causes = looks.map(({ waitingFor }) => waitingFor?.kind);
        return { ended: report, states: looks.map(({ state }) => state), causes, last: last.deliveries };
      }
      await act(report);
    }
  }

  it('the figures are never ahead: slow, throttled, limited, paused, cancelled, and past their time', async () => {
    const lines = Object.entries(CROWD).flatMap(([outcome, count]) =>
      Array.from({ length: count }, (_, number) => {
        const deviceId = `${outcome}:${number}`;
        return JSON.stringify({ deviceId, platform: 'A', token: `sandbox:${deviceId}`, userId: 'crowd' });
      }),
    );
    const type = { 'content-type': 'application/x-ndjson' };
    expect((await api.raw('POST', '/devices:import', lines.join('\n'), type)).status).toBe(200);
    const audience = sumOf(CROWD);
    const message = { alert: 'To the crowd' };
    const target = { userIds: ['crowd'] };

    const toExpire = watch(await api.send({ message, target, ttl: 8 }));
    const id = await api.send({ message, target });
    let isPaused = false;
    const toCancel = watch(id, async ({ state, outcomes: { accepted = 0, inFlight = 0 } }) => {
      if (!isPaused && accepted > 0) isPaused = (await act(id, 'pause')).status === 204;
      // The deliveries in flight at the pause are recorded, and the message still has not ended.
      else if (state === 'paused' && inFlight === 0) await act(id, 'resume');
      else if (state === 'sending' && accepted > 1_000) await api.app('DELETE', `/messages/${id}`);
    });
    const { body: campaign } = await api.app<{ campaignId: string }>('POST', '/campaigns', {
      name: 'Limited',
      content: { message, ttl: 8 },
      target,
      schedule: { cron: '0 9 * * MON', timeZone: 'Europe/Berlin' },
      policies: { ratePerSecond: 800 },
    });
    expect((await api.app('POST', `/campaigns/${campaign.campaignId}/run`)).status).toBe(202);
    const path = `/messages?campaignId=${campaign.campaignId}`;
    const made = await vi.waitFor(
      async () => (await api.app<{ messages: MessageReport[] }>('GET', path)).body.messages[0]!.messageId,
      { timeout: 60_000 },
    );
    const [expired, cancelled, limited] = await Promise.all([toExpire, toCancel, watch(made)]);

    for (const { ended, last } of [expired, limited]) {
      expect(ended).toMatchObject({ state: 'finished', audience, outcomes: { cancelled: 0, rejected: 0 } });
      expect(ended.outcomes.expired).toBeGreaterThanOrEqual(10);
      expect(last).toMatchObject([{ outcome: 'expired', reason: 'throttled-forever' }]);
    }
    expect(cancelled.ended).toMatchObject({ state: 'cancelled', audience, outcomes: { expired: 0 } });
    expect(cancelled.ended.outcomes.cancelled).toBeGreaterThanOrEqual(10);
    expect(cancelled.states).toEqual(expect.arrayContaining(['sending', 'paused', 'cancelled']));
    expect([expired.causes, cancelled.causes, limited.causes]).toEqual(
      ['retry', 'person', 'rate'].map((kind) => expect.arrayContaining([kind]) as string[]),
    );
    expect(cancelled.last).toMatchObject([{ outcome: 'cancelled' }]);
  });
});
