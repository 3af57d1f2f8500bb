import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import type { ApnsKey } from './apns/provider-token.js';
import type { ServiceAccountKey } from './fcm/oauth.js';

/** Credentials in Apple's form, for an application's APNs settings. */
export interface ApnsCredentials {
  keyId: string;
  teamId: string;
  bundleId: string;
  /** The text of the .p8 file. */
  key: string;
}

/** The fields of Google's service account file that a sender reads. */
export interface ServiceAccountFile {
  type: 'service_account';
  project_id: string;
  private_key_id: string;
  private_key: string;
  client_email: string;
  token_uri: string;
}

/** Creates a key pair; the simulator gets the public half. */
export function createApnsCredentials(bundleId: string): { credentials: ApnsCredentials; registration: ApnsKey } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  // Apple's ids are ten upper-case letters and digits.
  const [keyId, teamId] = [randomId(), randomId()];
  return {
    credentials: { keyId, teamId, bundleId, key: privateKey },
    registration: { keyId, teamId, publicKey, bundleIds: [bundleId] },
  };
}

export function createServiceAccount(
  projectId: string,
  tokenUri: string,
): { file: ServiceAccountFile; registration: ServiceAccountKey } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const clientEmail = `sender@${projectId}.iam.example`;
  const keyId = randomBytes(20).toString('hex');
  return {
    file: {
      type: 'service_account',
      project_id: projectId,
      private_key_id: keyId,
      private_key: privateKey,
      client_email: clientEmail,
      token_uri: tokenUri,
    },
    registration: { clientEmail, projectId, publicKey, keyId },
  };
}

/** An app of the Store and an Entra app, with the scopes that their endpoints ask for. */
export function createWnsCredentials() {
  const sid = Array.from({ length: 7 }, () => randomBytes(4).readUInt32BE(0)).join('-');
  const secret = (): string => randomBytes(24).toString('base64');
  return {
    package: { packageSID: `ms-app://s-1-15-2-${sid}`, clientSecret: secret() },
    entra: { tenantId: randomUUID(), clientId: randomUUID(), clientSecret: secret() },
  };
}

/** An OAuth client and a service account in Huawei's form; the simulator gets the public half. */
export function createHmsCredentials() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const ids = { projectId: '99536292', keyId: randomBytes(16).toString('hex'), subAccount: '101000001' };
  return {
    credentials: {
      oauth: { appId: '101234567', clientId: '101234567', clientSecret: randomBytes(32).toString('hex') },
      account: { ...ids, privateKey },
    },
    registration: { ...ids, publicKey },
  };
}

/** A confidential client that may ask for any scope. */
export function createMobilefirstCredentials() {
  return { clientId: 'relay', secret: randomBytes(24).toString('base64') };
}

function randomId(): string {
  return randomBytes(5).toString('hex').toUpperCase();
}
