import { BadInput, checkShape, type Fields, type Shape } from './shape.js';

/**
 * How TLS goes on connections yet to come: as it should; refused with an alert; without ALPN, as by a proxy that knows
 * none; offering HTTP/1.1 only, so that a client which speaks nothing but h2 is refused with an alert.
 */
const HANDSHAKES = ['ok', 'failing', 'noAlpn', 'http1Only'] as const;
export type Handshake = (typeof HANDSHAKES)[number];

/** Settings that all providers have. */
export interface CommonSettings {
  /** SETTINGS_MAX_CONCURRENT_STREAMS; a change is announced on every open connection at once. 0 is allowed. */
  streams: number;
  /** Median of the log-normal answering time; 0 answers at once. */
  latencyMs: number;
  latencySigma: number;
  /** False closes the port: connecting is refused, open connections live on. */
  acceptConnections: boolean;
  /** A new connection is left alone for so long before TLS, or with plain ports HTTP, begins. */
  acceptDelayMs: number;
  handshake: Handshake;
  /** A connection quiet for so long gets GOAWAY; 0 never. */
  idleCloseMs: number;
  /** Messages per token and minute, then 429; 0 is no limit. */
  perTokenPerMinute: number;
}

export interface ApnsSettings extends CommonSettings {
  /** Streams until the first valid token-authenticated request. */
  primerStreams: number;
  environment: 'production' | 'sandbox';
  /** The spelling in the field and the one in the documents differ. */
  environmentReason: 'BadEnvironmentKeyInToken' | 'BadEnvironmentKeyIdInToken';
  /** After ExpiredProviderToken the connection refuses every token. */
  wedgeAfterExpiry: boolean;
  /** Younger tokens than this after the last on one connection are TooManyProviderTokenUpdates. */
  tokenIntervalSeconds: number;
  /** GOAWAY after so many BadDeviceToken on one connection; 0 never. */
  disconnectAfterBadTokens: number;
}

export interface FcmSettings extends CommonSettings {
  /** Life of access tokens issued from now on. */
  tokenLifeSeconds: number;
  /** Per project, in windows of a minute from the first message; 0 is no limit. */
  quotaPerMinute: number;
  /** Retry-After on quota answers; 0 leaves the header out. */
  retryAfterSeconds: number;
}

export interface WebPushSettings extends CommonSettings {
  /** Retry-After on 406, 429 and 503; 0 leaves the header out. */
  retryAfterSeconds: number;
}

/** Of a provider behind a token endpoint of client credentials: WNS, HMS, MobileFirst. */
export interface TokenSettings extends CommonSettings {
  /** Life of access tokens issued from now on. */
  tokenLifeSeconds: number;
  /** Retry-After on throttling answers; 0 leaves the header out. */
  retryAfterSeconds: number;
}

const COMMON: Shape = {
  streams: 'number',
  latencyMs: 'number',
  latencySigma: 'number',
  acceptConnections: 'boolean',
  acceptDelayMs: 'number',
  handshake: HANDSHAKES,
  idleCloseMs: 'number',
  perTokenPerMinute: 'number',
};
const APNS: Shape = {
  ...COMMON,
  primerStreams: 'number',
  environment: ['production', 'sandbox'],
  environmentReason: ['BadEnvironmentKeyInToken', 'BadEnvironmentKeyIdInToken'],
  wedgeAfterExpiry: 'boolean',
  tokenIntervalSeconds: 'number',
  disconnectAfterBadTokens: 'number',
};
const FCM: Shape = { ...COMMON, tokenLifeSeconds: 'number', quotaPerMinute: 'number', retryAfterSeconds: 'number' };
const WEB_PUSH: Shape = { ...COMMON, retryAfterSeconds: 'number' };

const TOKEN: Shape = { ...COMMON, tokenLifeSeconds: 'number', retryAfterSeconds: 'number' };

const COMMON_DEFAULTS: Omit<CommonSettings, 'streams'> = {
  latencyMs: 0,
  latencySigma: 0.3,
  acceptConnections: true,
  acceptDelayMs: 0,
  handshake: 'ok',
  idleCloseMs: 0,
  perTokenPerMinute: 0,
};

/** 1000 streams is what is typically seen of APNs; tokens may be renewed every 20 minutes at most. */
export function defaultApnsSettings(): ApnsSettings {
  return {
    ...COMMON_DEFAULTS,
    streams: 1000,
    primerStreams: 1,
    environment: 'production',
    environmentReason: 'BadEnvironmentKeyInToken',
    wedgeAfterExpiry: true,
    tokenIntervalSeconds: 1200,
    disconnectAfterBadTokens: 0,
  };
}

/** 100 streams is FCM's limit, 3599 s what Google's token endpoint gives. The true quota is 600,000 a minute. */
export function defaultFcmSettings(): FcmSettings {
  return { ...COMMON_DEFAULTS, streams: 100, tokenLifeSeconds: 3599, quotaPerMinute: 0, retryAfterSeconds: 0 };
}

/** 100 streams is what is typically seen of push services. */
export function defaultWebPushSettings(): WebPushSettings {
  return { ...COMMON_DEFAULTS, streams: 100, retryAfterSeconds: 0 };
}

/** HTTP/1.1: no streams to limit. WNS' tokens last a day, Huawei's and MobileFirst's an hour. */
export function defaultTokenSettings(tokenLifeSeconds: number): TokenSettings {
  return { ...COMMON_DEFAULTS, streams: 0, tokenLifeSeconds, retryAfterSeconds: 0 };
}

export interface SettingsChange {
  apns?: Partial<ApnsSettings>;
  fcm?: Partial<FcmSettings>;
  webPush?: Partial<WebPushSettings>;
  wns?: Partial<TokenSettings>;
  hms?: Partial<TokenSettings>;
  mobilefirst?: Partial<TokenSettings>;
}

const SETTINGS: Readonly<Record<keyof SettingsChange, Shape>> = {
  apns: APNS,
  fcm: FCM,
  webPush: WEB_PUSH,
  wns: TOKEN,
  hms: TOKEN,
  mobilefirst: TOKEN,
};

export function parseSettingsChange(input: unknown): SettingsChange {
  const names = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, 'object' as const]));
  const fields = checkShape(input, names, 'settings');
  for (const [name, shape] of Object.entries(SETTINGS))
    if (fields[name]) refuseNegative(checkShape(fields[name], shape, `settings.${name}`), `settings.${name}`);
  return fields;
}

function refuseNegative(fields: Fields, where: string): void {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'number' && value < 0) throw new BadInput(`${where}.${name} must not be negative`);
  }
}
