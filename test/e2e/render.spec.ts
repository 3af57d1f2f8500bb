import { beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../harness/program.js';
import { EMBEDDED } from './stages.js';

const CONTENT = {
  message: { alert: 'Hello {{name|you}}', url: 'https://shop.example/' },
  settings: { apns: { title: 'Shop' }, wns: { badge: { value: 3 } } },
};
const GERMAN = { message: { alert: 'Hallo {{name|du}}' } };

interface Rendering {
  variant: string | null;
  language: string | null;
  platform: string;
  provider: string;
  bytes: number;
  limit: number;
  alert: string;
  title?: string;
  bodies: string[];
  missing: string[];
}

describe('rendered messages', () => {
  const program = runProgram(EMBEDDED);

  const render = async (body: unknown): Promise<Rendering[]> => {
    const answer = await program.api.app<{ renderings: Rendering[] }>('POST', '/messages:render', body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body.renderings;
  };

  beforeAll(async () => {
    for (const [deviceId, platform, language] of [
      ['german', 'A', 'de-CH'],
      ['french', 'G', 'fr'],
    ] as const)
      await program.api.app('POST', '/devices', {
        deviceId,
        platform,
        language,
        token: `sandbox:accepted:${deviceId}`,
        userId: 'tester',
        attributes: { name: 'Ann' },
      });
  });

  it('are shown for each platform, language and variant, with the bytes of the real bodies', async () => {
    const found = await render({ content: CONTENT, languages: { de: GERMAN } });
    expect(found).toHaveLength(14);
    const german = found.find(({ language, platform }) => language === 'de' && platform === 'A')!;
    expect(german).toMatchObject({ variant: null, provider: 'apns', alert: 'Hallo du', title: 'Shop', missing: [] });
    expect(JSON.parse(german.bodies[0]!)).toMatchObject({ aps: { alert: { title: 'Shop', body: 'Hallo du' } } });
    expect(german.bytes).toBe(Buffer.byteLength(german.bodies[0]!));
    const windows = found.find(({ platform }) => platform === 'W')!;
    expect(windows.bodies[0]).toContain('<badge value="3"');
    for (const { bytes, limit } of found) expect(bytes).toBeLessThan(limit);
  });

  it('are shown for a device, with its language and values', async () => {
    const body = { content: CONTENT, languages: { de: GERMAN }, deviceId: 'german' };
    expect(await render(body)).toMatchObject([{ language: 'de', platform: 'A', alert: 'Hallo Ann' }]);
    expect(await render({ ...body, deviceId: 'french' })).toMatchObject([{ language: null, alert: 'Hello Ann' }]);
  });

  it('names placeholders without a value, and shows a body that is too large', async () => {
    const content = { message: { alert: `{{points}} ${'x'.repeat(6_000)}` } };
    const [found] = await render({ content, deviceId: 'german' });
    expect(found).toMatchObject({ missing: ['points'] });
    expect(found!.bytes).toBeGreaterThan(found!.limit);
    expect((await render({ content: { message: { alert: '{{points}}' } } }))[0]).toMatchObject({ alert: '{{points}}' });
  });

  it.each([
    [{}, 400, 'content'],
    [{ content: { message: {} } }, 400, 'message.alert'],
    [{ content: { ...CONTENT, target: { userIds: ['a'] } } }, 400, 'content.target'],
    [{ content: CONTENT, languages: { 'no language': {} } }, 400, 'languages'],
    [{ content: CONTENT, deviceId: 'nothing' }, 404, 'deviceId'],
  ])('refuses %j', async (body, status, field) => {
    const answer = await program.api.app<{ message: string }>('POST', '/messages:render', body);
    expect([answer.status, answer.body.message]).toEqual([status, expect.stringContaining(field)]);
  });

  it('are sent as a test to all variants, beside caps and quiet hours, without a run', async () => {
    const { api } = program;
    const campaign = {
      name: 'tested',
      content: { message: { alert: 'Hello' } },
      languages: { de: { message: { alert: 'Hallo' } } },
      split: [
        { name: 'one', share: 50 },
        { name: 'two', share: 50, content: { message: { alert: 'Two' } } },
      ],
      target: { tagNames: ['Push.ALL'], platforms: ['W'] },
      schedule: { at: ['2030-01-01T00:00:00Z'] },
      policies: { dailyCap: 1, quietHours: { from: '00:00', to: '23:59', action: 'hold' }, ratePerSecond: 0.01 },
    };
    const { body: made } = await api.app<{ campaignId: string }>('POST', '/campaigns', campaign);
    const path = `/campaigns/${made.campaignId}`;
    for (let time = 0; time < 2; time++) {
      const tested = await api.app<{ messages: { messageId: string }[]; warnings: string[] }>('POST', `${path}/test`, {
        userIds: ['tester', 'nobody'],
      });
      expect(tested).toMatchObject({
        status: 202,
        body: {
          messages: [
            { variant: 'one', language: 'de', audience: 1 },
            { variant: 'one', language: null, audience: 1 },
            { variant: 'two', language: 'de', audience: 1 },
            { variant: 'two', language: null, audience: 1 },
          ],
          warnings: [expect.stringContaining('nobody')],
        },
      });
      for (const { messageId } of tested.body.messages) {
        const report = await api.waitFor(messageId);
        expect(report).toMatchObject({ testOf: made.campaignId, outcomes: { accepted: 1 } });
      }
    }
    expect((await api.app('GET', `${path}/runs`)).body).toEqual({ runs: [] });
    expect((await api.app('GET', path)).body).toMatchObject({ state: 'draft' });
    const one = { deviceIds: ['german'], variant: 'two', language: 'de' };
    expect((await api.app('POST', `${path}/test`, one)).body).toMatchObject({ messages: [{ variant: 'two' }] });
    for (const wrong of [{}, { ...one, userIds: ['tester'] }, { ...one, variant: 'three' }, { deviceIds: [] }])
      expect((await api.app('POST', `${path}/test`, wrong)).status).toBe(400);
  });
});
