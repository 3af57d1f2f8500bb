import { describe, expect, it } from 'vitest';
import { IN_FLIGHT, deliverLot } from './lot.js';
import type { WebhookEvent } from './lot.js';

const event = (id: number, subject: string | null, tries = 0): WebhookEvent => ({
  id,
  eventId: String(id),
  subject,
  tries,
  body: '{}',
});
const goOn = (): boolean => false;

describe('a lot of webhook events', () => {
  it('has 16 requests in flight while the endpoint holds its answers', async () => {
    const waiting: (() => void)[] = [];
    const events = Array.from({ length: 40 }, (_, id) => event(id, `d${id}`));
    const lot = deliverLot(events, false, () => new Promise((resolve) => waiting.push(() => resolve(null))), goOn);
    const seen: number[] = [];
    while (waiting.length > 0) {
      seen.push(waiting.length);
      for (const answer of waiting.splice(0)) answer();
      await new Promise(setImmediate);
    }
    expect(seen).toEqual([IN_FLIGHT, IN_FLIGHT, 8]);
    expect((await lot).delivered).toHaveLength(40);
  });

  it('sends events of one subject one after another, and of several subjects concurrently', async () => {
    const events = Array.from({ length: 60 }, (_, id) => event(id, `d${id % 3}`));
    const underWay = new Set<string>();
    const ofSubject: Record<string, number[]> = {};
    let most = 0;
    await deliverLot(
      events,
      false,
      async ({ id, subject }) => {
        expect(underWay.has(subject!)).toBe(false);
        underWay.add(subject!);
        most = Math.max(most, underWay.size);
        (ofSubject[subject!] ??= []).push(id);
        await new Promise(setImmediate);
        underWay.delete(subject!);
        return null;
      },
      goOn,
    );
    expect(most).toBe(3);
    for (const ids of Object.values(ofSubject)) expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('an event that fails delays the later events of its subject only', async () => {
    const events = [event(1, 'bad'), event(2, 'good'), event(3, 'bad'), event(4, 'good'), event(5, null)];
    const send = ({ id }: WebhookEvent) => Promise.resolve(id === 1 ? { reason: 'answered 500' } : null);
    const result = await deliverLot(events, false, send, goOn);
    expect(new Set(result.delivered)).toEqual(new Set([2, 4, 5]));
    expect(result.failed).toMatchObject([{ id: 1, subject: 'bad', tries: 1 }]);
    expect(result).toMatchObject({ isFailing: false, error: 'answered 500' });
  });

  it('fails an endpoint and stops after 16 tries if no event is accepted', async () => {
    const events = Array.from({ length: 1_000 }, (_, id) => event(id, `d${id}`));
    const result = await deliverLot(events, false, () => Promise.resolve({ reason: 'ECONNREFUSED' }), goOn);
    expect(result.failed.length).toBeLessThan(2 * IN_FLIGHT);
    expect(result).toMatchObject({ isFailing: true, delivered: [] });
  });

  it('tries a failed endpoint with one event, the one with the fewest tries', async () => {
    const events = [event(1, 'a', 3), event(2, 'b', 1), event(3, 'c', 0), event(4, 'a', 0)];
    const tried: number[] = [];
    const fail = ({ id }: WebhookEvent) => {
      tried.push(id);
      return Promise.resolve({ reason: 'answered 503' });
    };
    expect(await deliverLot(events, true, fail, goOn)).toMatchObject({
      isFailing: true,
      failed: [{ id: 3, tries: 1 }],
    });
    expect(tried).toEqual([3]);
    const pass = await deliverLot(events, true, () => Promise.resolve(null), goOn);
    expect(pass).toMatchObject({ isFailing: false, failed: [], error: null });
    expect(pass.delivered[0]).toBe(3);
    expect(new Set(pass.delivered)).toEqual(new Set([1, 2, 3, 4]));
  });

  it('starts no request after the end of the lot', async () => {
    const result = await deliverLot(
      [event(1, 'a')],
      true,
      () => Promise.reject(new Error('sent')),
      () => true,
    );
    expect(result).toMatchObject({ delivered: [], failed: [], isFailing: true });
  });

  it('ends when the endpoint asks for a wait, or for no more events', async () => {
    const events = Array.from({ length: 100 }, (_, id) => event(id, `d${id}`));
    for (const refusal of [{ waitMs: 60_000 }, { isGone: true }]) {
      let sent = 0;
      const send = () => Promise.resolve(sent++ < 20 ? null : { reason: 'answered 4xx', ...refusal });
      const result = await deliverLot(events, false, send, goOn);
      expect(result).toMatchObject({ error: 'answered 4xx', ...refusal });
      expect(result.delivered).toHaveLength(20);
      expect(sent).toBeLessThanOrEqual(20 + IN_FLIGHT);
    }
  });
});
