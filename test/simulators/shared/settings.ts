import { BadInput, checkShape, type Fields, type Shape } from './shape.js';

/**
 * The TLS handshake of future connections: normal; refused with an alert; without ALPN, like a proxy without support
 * for it; offering only HTTP/1.1, so that a client with only h2 is refused with an alert.
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
  /** False closes the port: new connections are refused, open ones continue. */
  acceptConnections: boolean;
  /** How long a new connection waits before TLS, or with plain ports HTTP, begins. */
  acceptDelayMs: number;
  handshake: Handshake;
  /** A connection idle for this long gets GOAWAY; 0: never. */
  idleCloseMs: number;
  /** Messages per token and minute before 429; 0: no limit. */
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
  /** A new token sooner than this after the last one on a connection is refused with TooManyProviderTokenUpdates. */
  tokenIntervalSeconds: number;
  /** GOAWAY after this many BadDeviceToken on one connection; 0: never. */
  disconnectAfterBadTokens: number;
}

export interface FcmSettings extends CommonSettings {
  /** Lifetime of access tokens issued from now on. */
  tokenLifeSeconds: number;
  /** Per project, in windows of a minute from the first message; 0 is no limit. */
  quotaPerMinute: number;
  /** Retry-After on quota answers; 0: no header. */
  retryAfterSeconds: number;
}

export interface WebPushSettings extends CommonSettings {
  /** Retry-After on 406, 429 and 503; 0: no header. */
  retryAfterSeconds: number;
}

/** Settings of a provider with a client_credentials token endpoint: WNS, HMS, MobileFirst. */
export interface TokenSettings extends CommonSettings {
  /** Lifetime of access tokens issued from now on. */
  tokenLifeSeconds: number;
  /** Retry-After on throttling answers; 0: no header. */
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

/** APNs typically allows 1,000 streams; tokens may be renewed at most every 20 minutes. */
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

/**
 * FCM's limit is 100 streams; Google's token endpoint issues tokens for 3,599 s. The true quota is 600,000 a minute.
 */
export function defaultFcmSettings(): FcmSettings {
  return { ...COMMON_DEFAULTS, streams: 100, tokenLifeSeconds: 3599, quotaPerMinute: 0, retryAfterSeconds: 0 };
}

/** Push services typically allow 100 streams. */
export function defaultWebPushSettings(): WebPushSettings {
  return { ...COMMON_DEFAULTS, streams: 100, retryAfterSeconds: 0 };
}

/** HTTP/1.1: no streams to limit. WNS' tokens are valid for a day, Huawei's and MobileFirst's for an hour. */
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
