import { AUDIT_SETTINGS } from './audit-settings.js';
import { CONSOLE_SETTINGS } from './console-settings.js';
import { KEY_SETTINGS } from './key-settings.js';
import { LISTENING_SETTINGS } from './listening-settings.js';
import { PROXY_SETTINGS } from './proxy-settings.js';
import type { Setting } from './setting.js';

/** The settings in the environment: name, default, meaning. config.ts reads them, docs/settings.md lists them. */

/** In the order of docs/settings.md, which is generated from this list. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'NODE_ENV',
    fallback: 'development',
    meaning:
      '`production` refuses development conveniences (client `test`/`test`, sample application); they are not created either if `DATABASE_URL` names another machine',
  },
  {
    name: 'LOG_LEVEL',
    fallback: 'info',
    meaning:
      'lowest level of the log’s lines: `fatal`, `error`, `warn`, `info` (one line for each request) or `debug` (also those of health routes)',
  },
  {
    name: 'HOST',
    fallback: '',
    meaning:
      'IP address or name to listen on; empty: all IPv4 addresses (`0.0.0.0`) in production, only this machine (`127.0.0.1`) in development',
  },
  { name: 'PORT', fallback: '9080', meaning: 'port to listen on (the default is MobileFirst’s)' },
  ...LISTENING_SETTINGS,
  {
    name: 'ROLES',
    fallback: 'api,worker,scheduler',
    meaning: 'roles of this process, comma-separated; fewer than all three need `DATABASE_URL`',
  },
  {
    name: 'WORKERS',
    fallback: '',
    meaning:
      'number of worker processes that this start runs beside the others, or `auto`: one for each core; empty: this process works itself. Needs `DATABASE_URL`; containers have replicas instead',
  },
  {
    name: 'API_PROCESSES',
    fallback: '1',
    meaning: 'number of processes with the role `api` that share the port; more than 1 needs `DATABASE_URL`',
  },
  {
    name: 'DATABASE_URL',
    fallback: '',
    isSecret: true,
    meaning:
      '`postgres://user:password@host:5432/database` of PostgreSQL 14 or newer (`?host=/folder` for a Unix socket; `?sslmode=verify-full`, with `&sslrootcert=file.pem` for your own authority); empty: the embedded database in `DATA_DIR`',
  },
  {
    name: 'DATABASE_READ_URL',
    fallback: '',
    isSecret: true,
    meaning:
      'like `DATABASE_URL`, of a hot standby from which reports and lists may be read (a name may lead to several); empty: everything is read from `DATABASE_URL`',
  },
  {
    name: 'QUEUE_URL',
    fallback: '',
    isSecret: true,
    meaning:
      '`redis://user:password@host:6379/0` of a Redis, `rediss://` over TLS (`NODE_EXTRA_CA_CERTS=file.pem` for your own authority), `redis+sentinel://user:password@host:26379,host:26379/master/0` with sentinels, `redis+cluster://user:password@host:6379,host:6379` for a Redis Cluster; empty: the queue is in the database',
  },
  {
    name: 'QUEUE_PREFIX',
    fallback: 'bull',
    meaning:
      'first part of the queue’s keys in Redis: use a different one for each deployment that shares a Redis database',
  },
  { name: 'DATA_DIR', fallback: '.data', meaning: 'folder of the embedded database and the development master key' },
  ...KEY_SETTINGS,
  { name: 'RUNTIME_NAME', fallback: 'mfp', meaning: 'first part of the path of the token and introspection endpoints' },
  {
    name: 'INVALID_CLIENT_STATUS',
    fallback: '400',
    meaning:
      'status of `invalid_client` for a wrong client id or secret: `400`, which MobileFirst’s validators expect, or `401`',
  },
  {
    name: 'TRUST_PROXY',
    fallback: '',
    meaning:
      'addresses (`192.0.2.10`) or networks of reverse proxies, comma-separated, whose `X-Forwarded-For` is trusted; only the proxies themselves, because every address in the list can set any caller address',
  },
  ...CONSOLE_SETTINGS,
  {
    name: 'METRICS_PORT',
    fallback: '',
    meaning:
      'port for `GET /metrics` without authentication, at `HOST`; of several processes of one start, the second has the next port, and so on. Empty: only the role `api` serves it, on `PORT`, for the scope `metrics.read`',
  },
  {
    name: 'METRICS_APPLICATIONS',
    fallback: '100',
    meaning: 'applications with series of their own, the oldest first; the others are summed up as `other`',
  },
  { name: 'DOCS', fallback: 'on', meaning: '`off`: serve neither the API document nor the page to try it' },
  {
    name: 'HTTP_REQUEST_TIMEOUT',
    fallback: '30',
    meaning: 'seconds in which the body of a request has to arrive; for an import, the longest time between two pieces',
  },
  { name: 'HTTP_HEADERS_TIMEOUT', fallback: '15', meaning: 'seconds in which the head of a request has to arrive' },
  {
    name: 'HTTP_KEEP_ALIVE_TIMEOUT',
    fallback: '650',
    meaning:
      'seconds that an idle connection stays open; longer than any proxy in front keeps it, otherwise requests are lost at the moment of closing',
  },
  {
    name: 'HTTP_MAX_CONNECTIONS',
    fallback: '10000',
    meaning: 'limit of open connections; further ones are closed at once',
  },
  {
    name: 'HTTP_MAX_BODY_BYTES',
    fallback: '67108864',
    meaning: 'limit in bytes of all bodies that are processed at once; beyond it requests are answered 503',
  },
  { name: 'APNS_URL', fallback: 'https://api.push.apple.com', meaning: 'APNs production server' },
  { name: 'APNS_SANDBOX_URL', fallback: 'https://api.sandbox.push.apple.com', meaning: 'APNs sandbox server' },
  { name: 'FCM_URL', fallback: 'https://fcm.googleapis.com', meaning: 'FCM server' },
  {
    name: 'FCM_TOKEN_HOSTS',
    fallback: 'oauth2.googleapis.com,accounts.google.com,www.googleapis.com',
    meaning:
      'hosts allowed in a service account’s `token_uri`, comma-separated; in development also this machine. In production only https and public addresses are allowed',
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
    meaning: 'host of WNS channel URIs (`*.name`: any host below `name`); devices with another host get nothing',
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
      'hosts allowed in browsers’ push endpoints, comma-separated (`*.push.apple.com`), for a site with a firewall; empty: any',
  },
  {
    name: 'UPSTREAM_HOSTS',
    fallback: '',
    meaning:
      'hosts allowed in `upstreamConf.baseUrl`, comma-separated, with the port if it is not the scheme’s default (`mobilefirst.internal:9080`). Listed hosts may be private and without TLS; without a list, production allows only https at public addresses',
  },
  {
    name: 'WEB_PUSH_ALLOW_PRIVATE',
    fallback: 'false',
    meaning: '`true` allows browsers’ push endpoints at private addresses, for simulators; refused in production',
  },
  {
    name: 'WEBHOOK_ALLOW_PRIVATE',
    fallback: 'false',
    meaning: '`true` allows webhooks at private addresses and without TLS, for tests; refused in production',
  },
  {
    name: 'PROVIDER_CA_FILE',
    fallback: '',
    meaning: 'PEM file of an additional authority for provider connections (simulators, proxies)',
  },
  ...PROXY_SETTINGS,
  {
    name: 'WORKER_BATCHES',
    fallback: '8',
    meaning: 'broadcast batches that one worker process sends at once, per provider',
  },
  {
    name: 'SHUTDOWN_DELAY',
    fallback: '0',
    meaning:
      'seconds between "not ready" and the end of listening, so that a load balancer can notice; `SHUTDOWN_TIMEOUT` begins afterwards',
  },
  {
    name: 'SHUTDOWN_TIMEOUT',
    fallback: '20',
    meaning:
      'longest time in seconds that a stop waits for providers’ answers to sent requests; a request has 15 s. Deliveries without an answer are then `unknown`',
  },
  {
    name: 'LIMIT_CLIENT_RATE',
    fallback: '50000',
    meaning:
      'requests per second of one client, averaged over ten seconds, for all processes together; a client can have its own limit',
  },
  {
    name: 'LIMIT_CLIENT_CONCURRENT',
    fallback: '2000',
    meaning: 'concurrent requests of one client per process; a client can have its own limit',
  },
  {
    name: 'LIMIT_APPLICATION_RATE',
    fallback: '100000',
    meaning: 'requests per second for one application, averaged over ten seconds, for all processes together',
  },
  {
    name: 'LIMIT_APPLICATION_CONCURRENT',
    fallback: '4000',
    meaning: 'concurrent requests for one application per process',
  },
  { name: 'QUOTA_CAMPAIGNS', fallback: '100000', meaning: 'campaigns per application' },
  { name: 'QUOTA_TAGS', fallback: '100000', meaning: 'tags per application' },
  {
    name: 'QUOTA_SCHEDULED_MESSAGES',
    fallback: '1000000',
    meaning: 'messages per application that wait for their `sendAt`',
  },
  {
    name: 'QUOTA_DEVICES',
    fallback: '100000000',
    meaning: 'devices per application; registered devices can always register again',
  },
  ...AUDIT_SETTINGS,
  {
    name: 'RETENTION_DAYS',
    fallback: '30',
    meaning: 'days after which an ended message is removed with its deliveries; `0`: never',
  },
  {
    name: 'DEVICE_UNSEEN_DAYS',
    fallback: '270',
    meaning: 'days without contact from its app after which a device gets no more messages; `0`: never',
  },
  {
    name: 'DEVICE_RETIRED_DAYS',
    fallback: '90',
    meaning: 'days after which such a device, or a device with an invalid token, is deleted; `0`: never',
  },
  {
    name: 'WEBHOOK_EVENT_DAYS',
    fallback: '7',
    meaning:
      'days for which events can be read from the feed, and delivered or given-up ones replayed; `0`: they are not kept',
  },
  {
    name: 'REMOVE_AT_MOST_PERCENT',
    fallback: '20',
    meaning:
      'share of the devices, and after a step of the clock also of the messages and runs, that housekeeping may remove at once because of their age: if more than this share and more than 20 are due, they are kept and the log says so; `100`: no limit',
  },
];
