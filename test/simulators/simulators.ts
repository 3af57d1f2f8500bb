import { ApnsRules } from './apns/apns.rules.js';
import {
  createApnsCredentials,
  createServiceAccount,
  type ApnsCredentials,
  type ServiceAccountFile,
} from './credentials.js';
import { FcmRules } from './fcm/fcm.rules.js';
import { Counters, type CounterReport } from './shared/counters.js';
import { FaultScript } from './shared/faults.js';
import { Ledger } from './shared/ledger.js';
import { ProviderServer } from './shared/provider-server.js';
import type { ProviderName } from './shared/provider.js';
import { Random } from './shared/random.js';
import {
  defaultApnsSettings,
  defaultFcmSettings,
  defaultWebPushSettings,
  type SettingsChange,
} from './shared/settings.js';
import { WebPushRules } from './web-push/web-push.rules.js';

/** Acceptances of which headers and body are kept, per provider. */
const DETAILS_KEPT = 1000;

export interface SimulatorOptions {
  apnsPort: number;
  fcmPort: number;
  webPushPort: number;
  seed: number;
  /** Null: plain ports, HTTP/2 with prior knowledge. */
  tls: { cert: string; key: string } | null;
}

export interface SimulatorAddresses {
  apns: { url: string };
  fcm: { url: string; tokenUri: string };
  webPush: { url: string };
}

export interface SimulatorCredentials {
  apns: ApnsCredentials;
  fcm: ServiceAccountFile;
}

export interface CountersReport {
  apns: CounterReport & { distinctTokensByTeam: Record<string, number> };
  fcm: CounterReport & { accessTokensIssued: number };
  /** `distinctJwts`: with a valid signature; Apple asks for one an hour and origin at most. */
  webPush: CounterReport & { distinctJwts: number };
}

/** All providers, what is shared between them, and the credentials that open them. */
export class Simulators {
  readonly random: Random;
  readonly faults: FaultScript;
  readonly apns: ApnsRules;
  readonly fcm: FcmRules;
  readonly 'web-push': WebPushRules;
  readonly servers: Record<ProviderName, ProviderServer>;
  private readonly apnsSettings = defaultApnsSettings();
  private readonly fcmSettings = defaultFcmSettings();
  private readonly webPushSettings = defaultWebPushSettings();

  constructor(private readonly options: SimulatorOptions) {
    const { tls } = options;
    this.random = new Random(options.seed);
    this.faults = new FaultScript(this.random);
    this.apns = new ApnsRules(this.apnsSettings);
    this.fcm = new FcmRules(this.fcmSettings);
    this['web-push'] = new WebPushRules(this.webPushSettings);
    const { faults, random } = this;
    const fresh = () => ({ faults, random, ledger: new Ledger(DETAILS_KEPT), counters: new Counters() });
    const apnsDesk = { ...fresh(), rules: this.apns, settings: this.apnsSettings };
    const fcmDesk = { ...fresh(), rules: this.fcm, settings: this.fcmSettings };
    const webPushDesk = { ...fresh(), rules: this['web-push'], settings: this.webPushSettings };
    this.servers = {
      apns: new ProviderServer(apnsDesk, { tls, http1: false }),
      fcm: new ProviderServer(fcmDesk, { tls, http1: true }),
      'web-push': new ProviderServer(webPushDesk, { tls, http1: true }),
    };
  }

  /** Opens the ports and registers credentials made on the spot. */
  async start(): Promise<SimulatorAddresses & { credentials: SimulatorCredentials }> {
    const scheme = this.options.tls ? 'https' : 'http';
    const apnsUrl = `${scheme}://localhost:${await this.servers.apns.listen(this.options.apnsPort)}`;
    const fcmUrl = `${scheme}://localhost:${await this.servers.fcm.listen(this.options.fcmPort)}`;
    const webPushUrl = `${scheme}://localhost:${await this.servers['web-push'].listen(this.options.webPushPort)}`;
    this['web-push'].subscriptions.origin = webPushUrl;
    const tokenUri = `${fcmUrl}/token`;
    this.fcm.oauth.tokenUri = tokenUri;
    const apns = createApnsCredentials('com.example.app');
    const fcm = createServiceAccount('example-project', tokenUri);
    this.apns.providerTokens.register(apns.registration);
    this.fcm.oauth.register(fcm.registration);
    return {
      apns: { url: apnsUrl },
      fcm: { url: fcmUrl, tokenUri },
      webPush: { url: webPushUrl },
      credentials: { apns: apns.credentials, fcm: fcm.file },
    };
  }

  /** Applies a change to connections that are open as well as to new ones. */
  async changeSettings(change: SettingsChange): Promise<void> {
    Object.assign(this.apnsSettings, change.apns);
    Object.assign(this.fcmSettings, change.fcm);
    Object.assign(this.webPushSettings, change.webPush);
    if (change.apns) await this.servers.apns.applySettings();
    if (change.fcm) await this.servers.fcm.applySettings();
    if (change.webPush) await this.servers['web-push'].applySettings();
  }

  get settings(): Required<SettingsChange> {
    return { apns: { ...this.apnsSettings }, fcm: { ...this.fcmSettings }, webPush: { ...this.webPushSettings } };
  }

  counters(): CountersReport {
    const { apns, fcm, 'web-push': webPush } = this.servers;
    return {
      apns: {
        ...apns.desk.counters.report(apns.connections.size),
        distinctTokensByTeam: this.apns.providerTokens.distinctByTeam(),
      },
      fcm: {
        ...fcm.desk.counters.report(fcm.connections.size),
        accessTokensIssued: this.fcm.oauth.issued,
      },
      webPush: {
        ...webPush.desk.counters.report(webPush.connections.size),
        distinctJwts: this['web-push'].vapid.distinct,
      },
    };
  }

  /** Back to the state after the start; credentials, access tokens and open connections stay. */
  async reset(seed: number = this.options.seed): Promise<void> {
    this.random.reseed(seed);
    this.faults.replace([]);
    for (const server of Object.values(this.servers)) {
      server.desk.ledger = new Ledger(DETAILS_KEPT);
      server.desk.counters = new Counters();
      server.desk.rules.reset();
    }
    await this.changeSettings({
      apns: defaultApnsSettings(),
      fcm: defaultFcmSettings(),
      webPush: defaultWebPushSettings(),
    });
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.servers).map((server) => server.close()));
  }
}
