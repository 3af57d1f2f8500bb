import { ApnsRules } from './apns/apns.rules.js';
import {
  createApnsCredentials,
  createHmsCredentials,
  createMobilefirstCredentials,
  createServiceAccount,
  createWnsCredentials,
  type ApnsCredentials,
  type ServiceAccountFile,
} from './credentials.js';
import { FcmRules } from './fcm/fcm.rules.js';
import { HmsRules } from './hms/hms.rules.js';
import { MobilefirstRules } from './mobilefirst/mobilefirst.rules.js';
import { Counters, type CounterReport } from './shared/counters.js';
import { FaultScript } from './shared/faults.js';
import { Ledger } from './shared/ledger.js';
import { ProviderServer } from './shared/provider-server.js';
import type { ProviderName } from './shared/provider.js';
import { Random } from './shared/random.js';
import {
  defaultApnsSettings,
  defaultFcmSettings,
  defaultTokenSettings,
  defaultWebPushSettings,
  type SettingsChange,
} from './shared/settings.js';
import { WebPushRules } from './web-push/web-push.rules.js';
import { WnsRules } from './wns/wns.rules.js';

const DAY_S = 86_400;
const HOUR_S = 3_600;
/** The number of acceptances per provider with stored headers and body. */
const DETAILS_KEPT = 1000;

export interface SimulatorOptions {
  apnsPort: number;
  fcmPort: number;
  webPushPort: number;
  wnsPort: number;
  hmsPort: number;
  mobilefirstPort: number;
  seed: number;
  /** Null: plain ports, HTTP/2 with prior knowledge. */
  tls: { cert: string; key: string } | null;
}

export interface SimulatorAddresses {
  apns: { url: string };
  fcm: { url: string; tokenUri: string };
  webPush: { url: string };
  /** `channelUrl` and a name form a device's token. */
  wns: { url: string; tokenUrl: string; channelHost: string; channelUrl: string };
  hms: { url: string; tokenUrl: string };
  /** The base URL; ends with the runtime's name. */
  mobilefirst: { url: string };
}

export interface SimulatorCredentials {
  apns: ApnsCredentials;
  fcm: ServiceAccountFile;
  wns: ReturnType<typeof createWnsCredentials>;
  hms: ReturnType<typeof createHmsCredentials>['credentials'];
  mobilefirst: ReturnType<typeof createMobilefirstCredentials>;
}

export interface CountersReport {
  apns: CounterReport & { distinctTokensByTeam: Record<string, number> };
  fcm: CounterReport & { accessTokensIssued: number };
  /** `distinctJwts`: the number with a valid signature; Apple asks for at most one per hour and origin. */
  webPush: CounterReport & { distinctJwts: number };
  wns: CounterReport & { accessTokensIssued: number };
  hms: CounterReport & { accessTokensIssued: number };
  mobilefirst: CounterReport & { accessTokensIssued: number };
}

/** The providers, their shared parts, and their credentials. */
export class Simulators {
  readonly random: Random;
  readonly faults: FaultScript;
  readonly apns: ApnsRules;
  readonly fcm: FcmRules;
  readonly 'web-push': WebPushRules;
  private readonly webPushSettings = defaultWebPushSettings();
  readonly wns: WnsRules;
  readonly hms: HmsRules;
  readonly mobilefirst: MobilefirstRules;
  readonly servers: Record<ProviderName, ProviderServer>;
  private readonly apnsSettings = defaultApnsSettings();
  private readonly fcmSettings = defaultFcmSettings();
  private readonly wnsSettings = defaultTokenSettings(DAY_S);
  private readonly hmsSettings = defaultTokenSettings(HOUR_S);
  private readonly mobilefirstSettings = defaultTokenSettings(HOUR_S);

  constructor(private readonly options: SimulatorOptions) {
    const { tls } = options;
    this.random = new Random(options.seed);
    this.faults = new FaultScript(this.random);
    this.apns = new ApnsRules(this.apnsSettings);
    this.fcm = new FcmRules(this.fcmSettings);
    this['web-push'] = new WebPushRules(this.webPushSettings);
    this.wns = new WnsRules(this.wnsSettings);
    this.hms = new HmsRules(this.hmsSettings);
    this.mobilefirst = new MobilefirstRules(this.mobilefirstSettings);
    const { faults, random } = this;
    const fresh = () => ({ faults, random, ledger: new Ledger(DETAILS_KEPT), counters: new Counters() });
    const apnsDesk = { ...fresh(), rules: this.apns, settings: this.apnsSettings };
    const fcmDesk = { ...fresh(), rules: this.fcm, settings: this.fcmSettings };
    const webPushDesk = { ...fresh(), rules: this['web-push'], settings: this.webPushSettings };
    const wnsDesk = { ...fresh(), rules: this.wns, settings: this.wnsSettings };
    const hmsDesk = { ...fresh(), rules: this.hms, settings: this.hmsSettings };
    const mobilefirstDesk = { ...fresh(), rules: this.mobilefirst, settings: this.mobilefirstSettings };
    this.servers = {
      apns: new ProviderServer(apnsDesk, { tls, http1: false }),
      fcm: new ProviderServer(fcmDesk, { tls, http1: true }),
      'web-push': new ProviderServer(webPushDesk, { tls, http1: true }),
      wns: new ProviderServer(wnsDesk, { tls, http1: 'only' }),
      hms: new ProviderServer(hmsDesk, { tls, http1: 'only' }),
      mobilefirst: new ProviderServer(mobilefirstDesk, { tls, http1: 'only' }),
    };
  }

  /** Opens the ports and registers generated credentials. */
  async start(): Promise<SimulatorAddresses & { credentials: SimulatorCredentials }> {
    const scheme = this.options.tls ? 'https' : 'http';
    const apnsUrl = `${scheme}://localhost:${await this.servers.apns.listen(this.options.apnsPort)}`;
    const fcmUrl = `${scheme}://localhost:${await this.servers.fcm.listen(this.options.fcmPort)}`;
    const webPushUrl = `${scheme}://localhost:${await this.servers['web-push'].listen(this.options.webPushPort)}`;
    this['web-push'].subscriptions.origin = webPushUrl;
    const wnsHost = `localhost:${await this.servers.wns.listen(this.options.wnsPort)}`;
    const wnsUrl = `${scheme}://${wnsHost}`;
    const hmsUrl = `${scheme}://localhost:${await this.servers.hms.listen(this.options.hmsPort)}`;
    const mobilefirstPort = await this.servers.mobilefirst.listen(this.options.mobilefirstPort);
    const tokenUri = `${fcmUrl}/token`;
    this.fcm.oauth.tokenUri = tokenUri;
    const apns = createApnsCredentials('com.example.app');
    const fcm = createServiceAccount('example-project', tokenUri);
    this.apns.providerTokens.register(apns.registration);
    this.fcm.oauth.register(fcm.registration);
    const wns = createWnsCredentials();
    const hms = createHmsCredentials();
    this.wns.registerPackage(wns.package);
    this.wns.registerEntra(wns.entra);
    this.hms.access.registerClient(hms.credentials.oauth);
    this.hms.access.registerAccount(hms.registration);
    const mobilefirst = createMobilefirstCredentials();
    this.mobilefirst.clients.register(mobilefirst);
    return {
      apns: { url: apnsUrl },
      fcm: { url: fcmUrl, tokenUri },
      webPush: { url: webPushUrl },
      wns: {
        url: wnsUrl,
        tokenUrl: `${wnsUrl}/accesstoken.srf`,
        channelHost: wnsHost,
        channelUrl: `${wnsUrl}/?token=`,
      },
      hms: { url: hmsUrl, tokenUrl: `${hmsUrl}/oauth2/v3/token` },
      mobilefirst: { url: `${scheme}://localhost:${mobilefirstPort}/mfp` },
      credentials: { apns: apns.credentials, fcm: fcm.file, wns, hms: hms.credentials, mobilefirst },
    };
  }

  /** Applies a change to open and new connections. */
  async changeSettings(change: SettingsChange): Promise<void> {
    Object.assign(this.apnsSettings, change.apns);
    Object.assign(this.fcmSettings, change.fcm);
    Object.assign(this.webPushSettings, change.webPush);
    Object.assign(this.wnsSettings, change.wns);
    Object.assign(this.hmsSettings, change.hms);
    Object.assign(this.mobilefirstSettings, change.mobilefirst);
    if (change.apns) await this.servers.apns.applySettings();
    if (change.fcm) await this.servers.fcm.applySettings();
    if (change.webPush) await this.servers['web-push'].applySettings();
    if (change.wns) await this.servers.wns.applySettings();
    if (change.hms) await this.servers.hms.applySettings();
    if (change.mobilefirst) await this.servers.mobilefirst.applySettings();
  }

  get settings(): Required<SettingsChange> {
    return {
      apns: { ...this.apnsSettings },
      fcm: { ...this.fcmSettings },
      webPush: { ...this.webPushSettings },
      wns: { ...this.wnsSettings },
      hms: { ...this.hmsSettings },
      mobilefirst: { ...this.mobilefirstSettings },
    };
  }

  counters(): CountersReport {
    const { apns, fcm, 'web-push': webPush, wns, hms, mobilefirst } = this.servers;
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
      wns: {
        ...wns.desk.counters.report(wns.connections.size),
        accessTokensIssued: this.wns.live.issued + this.wns.entra.issued,
      },
      hms: {
        ...hms.desk.counters.report(hms.connections.size),
        accessTokensIssued: this.hms.access.oauth.issued,
      },
      mobilefirst: {
        ...mobilefirst.desk.counters.report(mobilefirst.connections.size),
        accessTokensIssued: this.mobilefirst.clients.issued,
      },
    };
  }

  /** Resets to the state after the start; credentials, access tokens and open connections stay. */
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
      wns: defaultTokenSettings(DAY_S),
      hms: defaultTokenSettings(HOUR_S),
      mobilefirst: defaultTokenSettings(HOUR_S),
    });
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.servers).map((server) => server.close()));
  }
}
