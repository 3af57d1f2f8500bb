/**
 * The settings that the environment may hold: name, default, meaning. config.ts reads them, docs/settings.md lists
 * them.
 */

export interface Setting {
  name: string;
  fallback: string;
  meaning: string;
}

/** In the order of docs/settings.md, which is generated from this list. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'NODE_ENV',
    fallback: 'development',
    meaning:
      '`production` refuses development conveniences (client `test`/`test`, sample application), which are not made either where `DATABASE_URL` names another machine',
  },
  {
    name: 'HOST',
    fallback: '',
    meaning:
      'IP address or name to listen on; empty: all IPv4 addresses (`0.0.0.0`) in production, this machine alone (`127.0.0.1`) in development',
  },
  { name: 'PORT', fallback: '9080', meaning: 'port to listen on (MobileFirst’s own default)' },
  {
    name: 'ROLES',
    fallback: 'api,worker,scheduler',
    meaning: 'what this process does, comma-separated; fewer than all three needs `DATABASE_URL`',
  },
  {
    name: 'DATABASE_URL',
    fallback: '',
    meaning:
      '`postgres://user:password@host:5432/database` of a PostgreSQL 14 or newer (`?host=/folder` for a Unix socket; `?sslmode=verify-full`, with `&sslrootcert=file.pem` for an authority of your own); empty: the embedded database in `DATA_DIR`',
  },
  {
    name: 'QUEUE_URL',
    fallback: '',
    meaning:
      '`redis://user:password@host:6379/0` of a Redis, `rediss://` over TLS (`NODE_EXTRA_CA_CERTS=file.pem` for an authority of your own), `redis+sentinel://user:password@host:26379,host:26379/master/0` by its sentinels; empty: the queue lives in the database',
  },
  {
    name: 'QUEUE_PREFIX',
    fallback: 'bull',
    meaning: 'first part of the queue’s keys in Redis: give each deployment that shares a Redis database its own',
  },
  { name: 'DATA_DIR', fallback: '.data', meaning: 'folder of the embedded database and the development master key' },
  {
    name: 'MASTER_KEY',
    fallback: '',
    meaning:
      '32 bytes in base64 that encrypt provider credentials and signing keys; required with `DATABASE_URL` or in production',
  },
  {
    name: 'ADMIN_CLIENT_ID',
    fallback: '',
    meaning: 'id of a confidential client made at start when there is none of this id yet, with allowed scope `*`',
  },
  {
    name: 'ADMIN_CLIENT_SECRET',
    fallback: '',
    meaning:
      'its first secret, in production of at least 16 characters; given together with `ADMIN_CLIENT_ID`, and not used again once the client is there',
  },
  { name: 'RUNTIME_NAME', fallback: 'mfp', meaning: 'first part of the path of token and introspection endpoint' },
  {
    name: 'INVALID_CLIENT_STATUS',
    fallback: '400',
    meaning:
      'status of `invalid_client` for a wrong client id or secret: `400`, as MobileFirst’s validators read it, or `401`',
  },
  {
    name: 'TRUST_PROXY',
    fallback: '',
    meaning:
      'addresses (`192.0.2.10`) or networks of reverse proxies, comma-separated, whose `X-Forwarded-For` names the caller; no wider than the proxies themselves: whoever has such an address names any caller',
  },
  { name: 'DOCS', fallback: 'on', meaning: '`off` serves neither the API document nor the page to try it' },
  {
    name: 'HTTP_REQUEST_TIMEOUT',
    fallback: '30',
    meaning:
      'seconds in which the body of a request has to come; of an import, the longest time between two pieces of it',
  },
  { name: 'HTTP_HEADERS_TIMEOUT', fallback: '15', meaning: 'seconds in which the head of a request has to come' },
  {
    name: 'HTTP_KEEP_ALIVE_TIMEOUT',
    fallback: '650',
    meaning:
      'seconds that a connection stays open without a request; more than any proxy before it keeps one, or requests are lost at the moment of closing',
  },
  { name: 'HTTP_MAX_CONNECTIONS', fallback: '10000', meaning: 'open connections; further ones are closed at once' },
  {
    name: 'HTTP_MAX_BODY_BYTES',
    fallback: '67108864',
    meaning: 'bytes of all bodies that are being worked on at once; beyond, callers are answered 503',
  },
  { name: 'APNS_URL', fallback: 'https://api.push.apple.com', meaning: 'APNs production server' },
  { name: 'APNS_SANDBOX_URL', fallback: 'https://api.sandbox.push.apple.com', meaning: 'APNs sandbox server' },
  { name: 'FCM_URL', fallback: 'https://fcm.googleapis.com', meaning: 'FCM server' },
  {
    name: 'FCM_TOKEN_HOSTS',
    fallback: 'oauth2.googleapis.com,accounts.google.com,www.googleapis.com',
    meaning:
      'hosts that a service account’s `token_uri` may name, comma-separated; in development this machine too. In production over https only, and at public addresses',
  },
  {
    name: 'WNS_TOKEN_URL',
    fallback: 'https://login.live.com/accesstoken.srf',
    meaning: 'token endpoint of WNS for a package SID',
  },
  {
    name: 'WNS_ENTRA_URL',
    fallback: 'https://login.microsoftonline.com',
    meaning: 'token server of WNS for an Entra app',
  },
  {
    name: 'WNS_CHANNEL_HOST',
    fallback: '*.notify.windows.com',
    meaning: 'host of WNS channel URIs (`*.name`: any below it); devices with another are never written to',
  },
  { name: 'HMS_URL', fallback: 'https://push-api.cloud.huawei.com', meaning: 'HMS Push Kit server' },
  {
    name: 'HMS_TOKEN_URL',
    fallback: 'https://oauth-login.cloud.huawei.com/oauth2/v3/token',
    meaning: 'token endpoint of HMS for an OAuth client',
  },
  {
    name: 'WEB_PUSH_HOSTS',
    fallback: '',
    meaning:
      'hosts of push services that browsers’ endpoints may name, comma-separated (`*.push.apple.com`), for a firewalled site; empty: any',
  },
  {
    name: 'UPSTREAM_HOSTS',
    fallback: '',
    meaning:
      'hosts that `upstreamConf.baseUrl` may name, comma-separated, with the port where it is not the scheme’s own (`mobilefirst.internal:9080`). Those listed may be private and without TLS; without a list production takes https at public addresses only',
  },
  {
    name: 'WEB_PUSH_ALLOW_PRIVATE',
    fallback: 'false',
    meaning: '`true` lets browsers’ push endpoints be at private addresses, for simulators; refused in production',
  },
  {
    name: 'WEBHOOK_ALLOW_PRIVATE',
    fallback: 'false',
    meaning: '`true` lets webhooks be at private addresses and without TLS, for tests; refused in production',
  },
  {
    name: 'PROVIDER_CA_FILE',
    fallback: '',
    meaning: 'PEM file of an authority to trust for provider connections beside the usual ones (simulators, proxies)',
  },
  {
    name: 'WORKER_BATCHES',
    fallback: '8',
    meaning: 'broadcast batches that one worker process sends at once, per provider',
  },
  {
    name: 'SHUTDOWN_DELAY',
    fallback: '0',
    meaning:
      'seconds between "not ready" and the end of listening, for a load balancer to notice; `SHUTDOWN_TIMEOUT` begins after it',
  },
  {
    name: 'SHUTDOWN_TIMEOUT',
    fallback: '20',
    meaning:
      'seconds that a stop waits at most for the providers’ answers to what is written; a request has 15. What has no answer by then is `unknown`',
  },
  {
    name: 'LIMIT_CLIENT_RATE',
    fallback: '50000',
    meaning:
      'requests of one client in a second, over ten seconds, that the processes answer together; a client may have its own',
  },
  {
    name: 'LIMIT_CLIENT_CONCURRENT',
    fallback: '2000',
    meaning: 'requests of one client that a process answers at once; a client may have its own',
  },
  {
    name: 'LIMIT_APPLICATION_RATE',
    fallback: '100000',
    meaning: 'requests for one application in a second, over ten seconds, that the processes answer together',
  },
  {
    name: 'LIMIT_APPLICATION_CONCURRENT',
    fallback: '4000',
    meaning: 'requests for one application that a process answers at once',
  },
  { name: 'QUOTA_CAMPAIGNS', fallback: '100000', meaning: 'campaigns that an application can have' },
  { name: 'QUOTA_TAGS', fallback: '100000', meaning: 'tags that an application can have' },
  {
    name: 'QUOTA_SCHEDULED_MESSAGES',
    fallback: '1000000',
    meaning: 'messages of an application that can wait for their `sendAt`',
  },
  {
    name: 'QUOTA_DEVICES',
    fallback: '100000000',
    meaning: 'devices that an application can have; those that are registered can always register again',
  },
  {
    name: 'RETENTION_DAYS',
    fallback: '30',
    meaning: 'days after which a message that has ended is removed with its account; `0`: never',
  },
  {
    name: 'DEVICE_UNSEEN_DAYS',
    fallback: '270',
    meaning: 'days without a sign of life from its app after which a device gets no more messages; `0`: never',
  },
  {
    name: 'DEVICE_RETIRED_DAYS',
    fallback: '90',
    meaning: 'days after which such a device, or one whose token died, is deleted; `0`: never',
  },
  {
    name: 'REMOVE_AT_MOST_PERCENT',
    fallback: '20',
    meaning:
      'share of the devices, and after a step of the clock of the messages and runs too, that housekeeping may take at once for their age: more, beyond 20 of them, waits and is told in the log; `100` lets all go',
  },
];
