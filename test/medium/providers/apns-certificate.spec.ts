import { expect, it } from 'vitest';
import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import { P12_PASSWORD, makeP12 } from '../../harness/p12.js';
import { PushPeer } from './push-peer.js';
import { collect, recipients, tally } from './sending.js';

it('a certificate identifies the sender: no authorization header and no primer', async () => {
  const { p12, certificate } = makeP12('/UID=com.example.app/CN=Apple Push Services');
  const peer = await PushPeer.start(() => ({ status: 200 }), 1_000, certificate);
  const provider = new ApnsProvider({ productionUrl: peer.url, sandboxUrl: 'https://localhost:1', ca: peer.ca });
  const sender = provider.open(
    await provider.parseSettings({ certificate: p12.toString('base64'), password: P12_PASSWORD }),
    new MemoryShelf(),
  );
  try {
    expect(tally(await collect(sender, recipients(50)))).toEqual({ accept: 50 });
    expect(peer.pushes).toHaveLength(50);
    expect(peer.seen('authorization')).toEqual(['undefined']);
    expect(peer.seen('apns-topic')).toEqual(['com.example.app']);
  } finally {
    await sender.close();
    await peer.close();
  }
});

it('a peer that does not know the certificate leads to a retry, without a loss', async () => {
  const { p12 } = makeP12('/UID=com.example.app');
  const peer = await PushPeer.start(() => ({ status: 200 }), 1_000, makeP12('/CN=another').certificate);
  const provider = new ApnsProvider({ productionUrl: peer.url, sandboxUrl: 'https://localhost:1', ca: peer.ca });
  const sender = provider.open(
    await provider.parseSettings({ certificate: p12.toString('base64'), password: P12_PASSWORD }),
    new MemoryShelf(),
  );
  try {
    const verdicts = Object.keys(tally(await collect(sender, recipients(3))));
    expect(verdicts).toHaveLength(1);
    expect(verdicts[0]).toMatch(/^retryBackoff/);
    expect(peer.pushes).toEqual([]);
  } finally {
    await sender.close();
    await peer.close();
  }
});
