import { ApnsProvider } from '../../../src/providers/apns/apns.provider.js';
import { FcmProvider } from '../../../src/providers/fcm/fcm.provider.js';
import { HmsProvider } from '../../../src/providers/hms/hms.provider.js';
import type { Notification } from '../../../src/providers/notification.js';
import type { Values } from '../../../src/providers/placeholders.js';
import type { Provider, Recipient, Sender, Verdict, ProviderSettings } from '../../../src/providers/provider.js';
import type { Providers } from '../../../src/providers/providers.module.js';
import { SandboxProvider } from '../../../src/providers/sandbox/sandbox.provider.js';
import { WebPushProvider } from '../../../src/providers/web-push/web-push.provider.js';
import { WnsProvider } from '../../../src/providers/wns/wns.provider.js';
import { UpstreamProvider } from '../../../src/providers/upstream/upstream.provider.js';
import { MemoryShelf } from '../../harness/memory-shelf.js';
import type { LedgerEntry } from '../../simulators/shared/ledger.js';
import type { ProviderName } from '../../simulators/shared/provider.js';
import { Simulators } from '../../simulators/simulators.js';
import { testCertificate, testKey } from '../http2/test-certificate.js';
import { collect } from '../providers/sending.js';
import type { Place } from './row.js';

interface Line {
  sender: Sender;
  to: Recipient;
  simulator: ProviderName;
}

/** One device at every place, with the real senders and the simulators in this process. */
export class Places {
  private constructor(
    readonly providers: Providers,
    private readonly simulators: Simulators,
    private readonly lines: Record<Place, Line>,
  ) {}

  static async open(): Promise<Places> {
    const ports = { apnsPort: 0, fcmPort: 0, webPushPort: 0, wnsPort: 0, hmsPort: 0, mobilefirstPort: 0 };
    const simulators = new Simulators({ ...ports, seed: 1, tls: { cert: testCertificate, key: testKey } });
    const { credentials, apns, fcm, wns, hms } = await simulators.start();
    const ca = testCertificate;
    const providers: Providers = {
      apns: new ApnsProvider({ productionUrl: apns.url, sandboxUrl: apns.url, ca }),
      fcm: new FcmProvider({ url: fcm.url, ca }),
      hms: new HmsProvider({ ...hms, ca }),
      wns: new WnsProvider({ tokenUrl: wns.tokenUrl, entraUrl: wns.url, channelHost: wns.channelHost, ca }),
      'web-push': new WebPushProvider({ ca, allowPrivate: true }),
      sandbox: new SandboxProvider(),
      upstream: new UpstreamProvider({}),
    };
    const open = (provider: Provider, input: object): Sender =>
      provider.open(provider.parseSettings!({ ...input }) as ProviderSettings, new MemoryShelf(), 'com.example.app');
    const browsers = open(providers['web-push'], { subject: 'mailto:push@example.com' });
    const browser = (personality: 'google' | 'mozilla' | 'apple', platform: string): Line => {
      const { endpoint, keys } = simulators['web-push'].subscriptions.create(personality, undefined);
      const token = JSON.stringify({ endpoint, userPublicKey: keys.p256dh, userAuth: keys.auth });
      return { sender: browsers, to: device(token, platform), simulator: 'web-push' };
    };
    const token = 'ab'.repeat(32);
    return new Places(providers, simulators, {
      apns: {
        sender: open(providers.apns, { ...credentials.apns, isSandBox: false }),
        to: device(token, 'A'),
        simulator: 'apns',
      },
      fcm: { sender: open(providers.fcm, credentials.fcm), to: device(token, 'G'), simulator: 'fcm' },
      hms: { sender: open(providers.hms, credentials.hms.oauth), to: device(token, 'H'), simulator: 'hms' },
      harmony: { sender: open(providers.hms, credentials.hms.account), to: device(token, 'H'), simulator: 'hms' },
      wns: {
        sender: open(providers.wns, credentials.wns.package),
        to: device(`${wns.channelUrl}one`, 'W'),
        simulator: 'wns',
      },
      chrome: browser('google', 'WEB_CHROME'),
      firefox: browser('mozilla', 'WEB_FIREFOX'),
      safari: browser('apple', 'WEB_SAFARI'),
    });
  }

  async send(place: Place, message: Notification, values?: Values): Promise<Verdict> {
    const { sender, to } = this.lines[place];
    const [verdict] = await collect(sender, [values ? { ...to, values } : to], { message });
    return verdict!;
  }

  /** The requests that the place received for the notification, in order. Throws if the place refused one. */
  async deliver(place: Place, message: Notification, values?: Values): Promise<LedgerEntry[]> {
    const { simulator } = this.lines[place];
    const { ledger } = this.simulators.servers[simulator].desk;
    const before = ledger.summary().accepted;
    const verdict = await this.send(place, message, values);
    if (verdict.action !== 'accept') {
      const { firstRefusals } = this.simulators.servers[simulator].desk.counters.report(0);
      throw new Error(`${place}: ${JSON.stringify(verdict)} ${JSON.stringify(firstRefusals)}`);
    }
    return ledger.last(ledger.summary().accepted - before).toReversed();
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.lines).map(({ sender }) => sender.close()));
    await this.simulators.close();
  }
}

function device(token: string, platform: string): Recipient {
  return { token, platform, registeredAt: 0 };
}
