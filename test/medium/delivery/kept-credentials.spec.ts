import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clock } from '../../../src/common/clock.js';
import { Vault } from '../../../src/common/vault.js';
import { Senders } from '../../../src/delivery/deliver/senders.js';
import { SharedTokenRepository } from '../../../src/applications/shared-token.repository.js';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import type { Providers } from '../../../src/providers/providers.module.js';
import { withIterations } from '../../harness/ber.js';
import { P12_PASSWORD, makeP12 } from '../../harness/p12.js';
import { PushPeer } from '../providers/push-peer.js';
import { collect, recipients, tally } from '../providers/sending.js';
import { Room } from './room.js';

/** A certificate as an earlier release stored it: the file and its password, without key and certificate as PEM. */
describe('certificates kept without their PEM', () => {
  const { p12, certificate } = makeP12('/UID=com.example.app');
  let room: Room;
  let peer: PushPeer;
  beforeAll(async () => {
    room = await Room.open();
    peer = await PushPeer.start(() => ({ status: 200 }), 1_000, certificate);
  });
  afterAll(async () => {
    await peer.close();
    await room.remove();
  });

  function newProcess(): Senders {
    const apns = new ApnsProvider({ productionUrl: peer.url, sandboxUrl: peer.url, ca: peer.ca });
    const shelf = new SharedTokenRepository(room.database, new Vault(Buffer.alloc(32)));
    return new Senders({ apns } as unknown as Providers, room.settings, shelf, new Clock());
  }

  async function keep(file: Buffer): Promise<{ applicationId: string; version: number }> {
    const applicationId = await room.addApplication();
    const visible = { certificate: 'push.p12', bundleId: 'com.example.app', isSandBox: false };
    const secret = { certificate: file.toString('base64'), password: P12_PASSWORD };
    await room.settings.put(applicationId, 'apns', { visible, secret });
    return { applicationId, version: (await room.settings.find(applicationId, 'apns'))!.version };
  }

  it('are opened once, stored as PEM under the same version, and used', async () => {
    const { applicationId, version } = await keep(p12);
    const senders = newProcess();
    const sender = await senders.get(applicationId, 'apns', version);
    expect(tally(await collect(sender!, recipients(3)))).toEqual({ accept: 3 });
    const kept = await room.settings.find(applicationId, 'apns');
    expect(kept).toMatchObject({
      version,
      secret: { certificate: p12.toString('base64'), password: P12_PASSWORD, pem: { certificate } },
    });
    await senders.onApplicationShutdown();
  });

  it('with 17 million iterations are not opened: the application stops with advice', async () => {
    const { applicationId, version } = await keep(withIterations(p12, 17_000_000, 'safes'));
    const senders = newProcess();
    const sender = await senders.get(applicationId, 'apns', version);
    const [first, ...others] = await collect(sender!, recipients(3));
    expect(first).toEqual({
      action: 'stopApplication',
      reason: expect.stringMatching(/^certificate asks for more than 1000000 iterations.*export it again/) as string,
    });
    expect(others).toEqual([{ action: 'notSent' }, { action: 'notSent' }]);
    await senders.onApplicationShutdown();
  });
});
