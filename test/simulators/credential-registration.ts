import type { ApnsKey } from './apns/provider-token.js';
import type { ServiceAccountKey } from './fcm/oauth.js';
import type { HmsAccount, HmsClient } from './hms/hms.access.js';
import type { ConfidentialClient } from './mobilefirst/confidential-clients.js';
import { checkShape, type Fields, type Shape } from './shared/shape.js';
import type { Simulators } from './simulators.js';
import type { EntraApp, StorePackage } from './wns/wns.rules.js';

/** `POST /credentials`: the provider's data about a sender, a public key or a client's id and secret. */
export interface Registrations {
  apns?: ApnsKey;
  fcm?: ServiceAccountKey;
  wns?: StorePackage | EntraApp;
  hms?: HmsClient | HmsAccount;
  mobilefirst?: ConfidentialClient;
}

const APNS: Shape = {
  keyId: 'string',
  teamId: 'string',
  publicKey: 'string',
  bundleIds: 'any',
  environment: ['production', 'sandbox', 'all'],
  scope: ['team', 'topic'],
};
const FCM: Shape = { clientEmail: 'string', projectId: 'string', publicKey: 'string', keyId: 'string' };
const PACKAGE: Shape = { packageSID: 'string', clientSecret: 'string' };
/** The token endpoint accepts an Entra app at every tenant's address. */
const ENTRA: Shape = { tenantId: 'string', clientId: 'string', clientSecret: 'string' };
const HMS_CLIENT: Shape = { appId: 'string', clientId: 'string', clientSecret: 'string' };
const HMS_ACCOUNT: Shape = { projectId: 'string', keyId: 'string', subAccount: 'string', publicKey: 'string' };
const CONFIDENTIAL_CLIENT: Shape = { clientId: 'string', secret: 'string', allowedScope: 'string' };
const PROVIDERS: Shape = { apns: 'object', fcm: 'object', wns: 'object', hms: 'object', mobilefirst: 'object' };

export function registerCredentials({ apns, fcm, wns, hms, mobilefirst }: Simulators, body: unknown): void {
  const given = checkShape(body, PROVIDERS, 'body');
  const read = <N extends keyof Registrations>(name: N, shape: Shape, optional: readonly string[] = []) => {
    const required = Object.keys(shape).filter((field) => !optional.includes(field));
    return checkShape(given[name], shape, `body.${name}`, required) as unknown as NonNullable<Registrations[N]>;
  };
  const has = (name: keyof Registrations, field: string): boolean => (given[name] as Fields)[field] !== undefined;

  if (given['apns']) apns.providerTokens.register(read('apns', APNS, ['environment', 'scope']));
  if (given['fcm']) fcm.oauth.register(read('fcm', FCM, ['keyId']));
  if (given['wns']) {
    if (has('wns', 'packageSID')) wns.registerPackage(read('wns', PACKAGE) as StorePackage);
    else wns.registerEntra(read('wns', ENTRA, ['tenantId']) as EntraApp);
  }
  if (given['mobilefirst']) mobilefirst.clients.register(read('mobilefirst', CONFIDENTIAL_CLIENT, ['allowedScope']));
  if (given['hms']) {
    if (has('hms', 'projectId')) hms.access.registerAccount(read('hms', HMS_ACCOUNT) as HmsAccount);
    else hms.access.registerClient(read('hms', HMS_CLIENT) as HmsClient);
  }
}
