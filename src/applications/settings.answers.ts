/** Settings as they are read back: without secrets. Each provider's own file in src/providers/ makes them. */

export class PauseAnswer {
  /** Why sending at this provider is paused; absent without a pause. */
  pausedReason?: string;
  /** `provider`: the provider refused the credentials. `guard`: the provider reported most devices as gone. */
  pausedBy?: string;
  pausedTime?: string;
  /** When the next single delivery is tried, to see whether the cause is gone. */
  nextTryTime?: string;
}

export class FcmSettingsAnswer extends PauseAnswer {
  projectId!: string;
  clientEmail!: string;
}

export class GcmSettingsAnswer extends PauseAnswer {
  senderId!: string;
  warnings!: string[];
}

export class GcmPublicAnswer {
  senderId!: string;
}

/** `packageSID` of a package, or `tenantId` and `clientId` of an Entra app. */
export class WnsSettingsAnswer extends PauseAnswer {
  packageSID?: string;
  tenantId?: string;
  clientId?: string;
}

/** `appId` and `clientId` of an OAuth client, or the other three of a service account. */
export class HmsSettingsAnswer extends PauseAnswer {
  appId?: string;
  clientId?: string;
  projectId?: string;
  keyId?: string;
  subAccount?: string;
}

export class WebPushSettingsAnswer extends PauseAnswer {
  publicKey!: string;
  subject!: string;
}

export class WebPushPublicAnswer {
  /** Uncompressed P-256 point in base64url. */
  publicKey!: string;
}

/** `keyId` and `teamId` of a token key, or `certificate` and `validUntil` of a certificate. */
export class ApnsSettingsAnswer extends PauseAnswer {
  keyId?: string;
  teamId?: string;
  /** Name of the uploaded file. */
  certificate?: string;
  validUntil?: string;
  bundleId!: string;
  /** Text, as in MobileFirst's samples. */
  isSandBox!: 'true' | 'false';
}

export class UpstreamSettingsAnswer extends PauseAnswer {
  baseUrl!: string;
  clientId!: string;
  mode!: 'direct' | 'upstream' | 'both';
  /** In mode `both`: percentage of users that get their messages from this server. */
  share?: number;
}

export class SettingsTestAnswer {
  /** `unavailable`: the provider did not answer, or asked to come again; this says nothing about the credentials. */
  result!: 'accepted' | 'refused' | 'unavailable';
  /** In the provider's own words; absent if the credentials are accepted. */
  reason?: string;
  /** The next step for a person. */
  next?: string;
}

/** The URLs of the settings, which exist or not. */
export class SettingsListAnswer {
  applicationId!: string;
  mode!: 'PRODUCTION';
  apnsConf!: string;
  gcmConf!: string;
  fcmConf!: string;
  wnsConf!: string;
  webPushConf!: string;
  hmsConf!: string;
}
