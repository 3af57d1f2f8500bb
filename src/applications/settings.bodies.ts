import type { Schema } from '../common/schema.js';
import { ID } from '../providers/hms/hms.settings.js';
import { CLIENT_ID, SECRET as UPSTREAM_SECRET } from '../providers/upstream/upstream.settings.js';
import { SUBJECT } from '../providers/web-push/web-push.settings.js';
import { PACKAGE_SID } from '../providers/wns/wns.settings.js';

/** Schemas of the settings as they are put, for the API document only. */

/** Of WNS and HMS. */
const SECRET = String.raw`^[\x20-\x7e]{1,500}$`;
const FLAG = { type: 'string', enum: ['true', 'false'], default: 'false' };
const BUNDLE_ID = { type: 'string', description: 'Required if the certificate does not contain it (extension)' };
const KEY_BODY = {
  type: 'object',
  required: ['key', 'keyId', 'teamId', 'bundleId'],
  properties: {
    key: {
      type: 'string',
      description: 'Text of the .p8 file',
      example: '-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n',
    },
    keyId: { type: 'string', example: 'ABC123DEFG' },
    teamId: { type: 'string', example: 'DEF123GHIJ' },
    bundleId: { type: 'string', example: 'com.example.app' },
    isSandBox: { type: 'boolean', default: false },
  },
};
const CERTIFICATE_BODY = {
  type: 'object',
  required: ['certificate'],
  properties: {
    certificate: { type: 'string', description: 'The .p12 file in base64' },
    fileName: { type: 'string', description: 'Name of the file in answers', default: 'certificate.p12' },
    password: { type: 'string' },
    bundleId: BUNDLE_ID,
    isSandBox: { type: 'boolean', default: false },
  },
};
export const APNS_FORM = {
  type: 'object',
  required: ['certificate', 'password'],
  properties: {
    certificate: {
      type: 'string',
      format: 'binary',
      example: 'certificate.p12',
      description: 'The .p12 file, at most 64 KB',
    },
    password: { type: 'string', example: 'the password of the file' },
    bundleId: BUNDLE_ID,
    isSandBox: FLAG,
  },
};
export const APNS_BODY: Schema = { oneOf: [KEY_BODY, CERTIFICATE_BODY] };

export const FCM_BODY: Schema = {
  type: 'object',
  required: ['serviceAccount'],
  properties: {
    serviceAccount: {
      type: 'object',
      additionalProperties: true,
      description: 'The JSON file of the service account from Google',
      example: {
        type: 'service_account',
        project_id: 'example-app',
        client_email: 'push@example-app.iam.gserviceaccount.com',
        private_key: '-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----\n',
        token_uri: 'https://oauth2.googleapis.com/token',
      },
    },
  },
};

export const WNS_BODY: Schema = {
  type: 'object',
  required: ['clientSecret'],
  properties: {
    packageSID: { type: 'string', pattern: PACKAGE_SID.source, example: 'ms-app://s-1-15-2-1-2-3-4-5-6-7' },
    tenantId: { type: 'string', description: 'With clientId, instead of packageSID' },
    clientId: { type: 'string', format: 'uuid' },
    clientSecret: { type: 'string', pattern: SECRET, example: 'the-secret-of-the-package' },
  },
};

export const HMS_BODY: Schema = {
  oneOf: [
    {
      type: 'object',
      required: ['appId', 'clientId', 'clientSecret'],
      properties: {
        appId: { type: 'string', pattern: ID.source, example: '100000001' },
        clientId: { type: 'string', pattern: ID.source, example: '100000001' },
        clientSecret: { type: 'string', pattern: SECRET, example: 'the-secret-of-the-app' },
      },
    },
    {
      type: 'object',
      required: ['projectId', 'keyId', 'subAccount', 'privateKey'],
      properties: {
        projectId: { type: 'string', pattern: ID.source },
        keyId: { type: 'string', pattern: ID.source },
        subAccount: { type: 'string', pattern: ID.source },
        privateKey: { type: 'string', description: 'PEM of an RSA key' },
      },
    },
  ],
};

export const WEB_PUSH_BODY: Schema = {
  type: 'object',
  required: ['subject'],
  properties: {
    subject: {
      type: 'string',
      pattern: SUBJECT.source,
      example: 'mailto:push@example.com',
      description: 'A mailto: or https: URL',
    },
    publicKey: { type: 'string', description: 'Uncompressed P-256 point in base64url' },
    privateKey: { type: 'string', description: '32 bytes in base64url' },
  },
};

export const UPSTREAM_BODY: Schema = {
  type: 'object',
  required: ['baseUrl', 'clientId'],
  properties: {
    baseUrl: {
      type: 'string',
      example: 'http://mobilefirst.internal:9080/mfp',
      description: 'URL that ends with the name of the runtime; without a name, `mfp` is appended',
    },
    clientId: { type: 'string', pattern: CLIENT_ID.source, example: 'carillon' },
    secret: {
      type: 'string',
      pattern: UPSTREAM_SECRET.source,
      example: 'the-secret-of-the-client',
      description: 'If omitted, the secret is kept, provided that baseUrl and clientId are unchanged',
    },
    mode: {
      type: 'string',
      enum: ['direct', 'upstream', 'both'],
      example: 'direct',
      description: 'If omitted, the mode is kept; initially `upstream`',
    },
    share: {
      type: 'integer',
      minimum: 0,
      maximum: 100,
      description: 'In mode `both`: percentage of users that get their messages from this server',
    },
  },
};
