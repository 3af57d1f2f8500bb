import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Clock } from '../../../src/common/clock.js';
import { Vault } from '../../../src/common/vault.js';
import type { OpenSender } from '../../../src/delivery/deliver/senders.js';
import { Senders } from '../../../src/delivery/deliver/senders.js';
import { SharedTokenRepository } from '../../../src/applications/shared-token.repository.js';
import type { Notification } from '../../../src/providers/notification.js';
import type { Sender } from '../../../src/providers/provider.js';
import type { Providers } from '../../../src/providers/providers.module.js';
import { Room } from './room.js';

/** Opens senders that end a send on command, and notes closed ones. */
class Opener {
  readonly parseSettings = () => ({ visible: {}, secret: {} });
  opened = 0;
  readonly closed: number[] = [];
  readonly ends: (() => void)[] = [];

  open(): Sender {
    const id = ++this.opened;
    return {
      send: () =>
        this.closed.includes(id)
          ? Promise.reject(new Error('the pool is closed'))
          : new Promise<void>((resolve) => this.ends.push(resolve)),
      stats: () => ({ connections: 0, streams: 0, inFlight: 0 }),
      close: () => Promise.resolve(void this.closed.push(id)),
    };
  }
}

class SetClock extends Clock {
  time = 0;
  stepped = 0;
  override elapsed(): number {
    return this.time;
  }
  override steps(): number {
    return this.stepped;
  }
}

let room: Room;
let opener: Opener;
let clock: SetClock;
let senders: Senders;
beforeAll(async () => {
  room = await Room.open();
});
afterAll(() => room.remove());
beforeEach(() => {
  opener = new Opener();
  clock = new SetClock();
  const shelf = new SharedTokenRepository(room.database, new Vault(Buffer.alloc(32)));
  senders = new Senders({ apns: opener } as unknown as Providers, room.settings, shelf, clock);
});

async function addConfigured(): Promise<string> {
  const applicationId = await room.addApplication();
  await room.settings.put(applicationId, 'apns', { visible: {}, secret: {} });
  return applicationId;
}
const sendThrough = (sender: OpenSender | null) =>
  sender!.send({} as Notification, [], () => undefined, new AbortController().signal);
const settle = () => vi.waitFor(() => expect(opener.ends).not.toEqual([]), { timeout: 20_000 });

it('new settings close the old sender after its last batch', async () => {
  const applicationId = await addConfigured();
  const sending = sendThrough(await senders.get(applicationId, 'apns', 1));
  await settle();
  await senders.get(applicationId, 'apns', 2);
  expect([opener.opened, opener.closed]).toEqual([2, []]);
  opener.ends[0]?.();
  await sending;
  await vi.waitFor(() => expect(opener.closed).toEqual([1]), { timeout: 20_000 });
});

it("after a resume, a new sender is used, without the old one's failures", async () => {
  const applicationId = await room.addApplication();
  await room.pause(applicationId, 'apns');
  const versionNow = async () => (await room.settings.find(applicationId, 'apns'))!.version;
  await senders.get(applicationId, 'apns', await versionNow());
  await room.settings.resume(applicationId, 'apns');
  await senders.get(applicationId, 'apns', await versionNow());
  expect(opener.opened).toBe(2);
});

it('after a step of the clock, a new sender is used, without breakers that the wrong time opened', async () => {
  const applicationId = await addConfigured();
  await senders.get(applicationId, 'apns', 1);
  clock.stepped++;
  await senders.get(applicationId, 'apns', 1);
  await senders.get(applicationId, 'apns', 1);
  expect(opener.opened).toBe(2);
  await vi.waitFor(() => expect(opener.closed).toEqual([1]), { timeout: 20_000 });
});

it('a batch whose sender closed before the send uses its successor', async () => {
  const applicationId = await addConfigured();
  const given = await senders.get(applicationId, 'apns', 1);
  await senders.get(applicationId, 'apns', 2);
  await vi.waitFor(() => expect(opener.closed).toEqual([1]), { timeout: 20_000 });
  const sending = sendThrough(given);
  await settle();
  opener.ends[0]?.();
  await sending;
  expect(opener.opened).toBe(2);
});

it('above 500 senders, the one unused for longest closes, and never during a batch', async () => {
  const applicationId = await addConfigured();
  const sending = sendThrough(await senders.get(applicationId, 'apns', 1));
  await settle();
  for (let other = 1; other <= 500; other++) await senders.get(`com.acme.n${other}`, 'apns', 1);
  expect(opener.closed).toEqual([]);
  opener.ends[0]?.();
  await sending;
  await vi.waitFor(() => expect(opener.closed).toEqual([1]), { timeout: 20_000 });
});

it('a sender unused for an hour closes, because its application may be gone', async () => {
  const [idle, busy] = [await addConfigured(), await addConfigured()];
  await senders.get(idle, 'apns', 1);
  clock.time = 59 * 60_000;
  await senders.get(busy, 'apns', 1);
  clock.time = 60 * 60_000;
  await senders.get(busy, 'apns', 1);
  await vi.waitFor(() => expect(opener.closed).toEqual([1]), { timeout: 20_000 });
});
