import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { isHostPattern } from './common/host-list.js';
import { isProxyExemption, readProxy, type Proxy } from './common/proxy.js';
import { readCertifiedKey, type TlsFiles } from './common/certified-key.js';
import { countWorkers } from './process-plan.js';
import type { ProcessCounts } from './process-plan.js';
import type { SettingReader } from './setting-reader.js';
import { isThisMachine, isUrl } from './setting-values.js';
import { PEOPLE_ROLES, readRoleRule } from './people-settings.js';
import type { People } from './people-settings.js';
import { SETTINGS } from './settings.js';

/** Groups of settings that need no other group; config.ts reads the rest. */

/** URLs of servers that receive messages or credentials. */
const PROVIDER_URL = /^(APNS|FCM|WNS|HMS)_.*URL$/;

export function readProviders(settings: SettingReader, production: boolean) {
  for (const name of SETTINGS.map((setting) => setting.name).filter((each) => PROVIDER_URL.test(each)))
    settings.check(
      isUrl(settings.value(name), production ? ['https:'] : ['https:', 'http:']),
      `${name} must be an https:// URL`,
    );
  const channelHost = settings.value('WNS_CHANNEL_HOST');
  settings.check(isHostPattern(channelHost), 'WNS_CHANNEL_HOST must be a host name in lower case, or *. and one');
  const allowsPrivate = (name: string): boolean => {
    const text = settings.value(name);
    settings.check(['true', 'false'].includes(text), `${name} must be true or false`);
    settings.check(!production || text !== 'true', `${name} must not be true in production`);
    return text === 'true';
  };
  return {
    apns: { productionUrl: settings.value('APNS_URL'), sandboxUrl: settings.value('APNS_SANDBOX_URL') },
    fcm: { url: settings.value('FCM_URL'), tokenHosts: settings.hosts('FCM_TOKEN_HOSTS') },
    wns: { tokenUrl: settings.value('WNS_TOKEN_URL'), entraUrl: settings.value('WNS_ENTRA_URL'), channelHost },
    hms: { url: settings.value('HMS_URL'), tokenUrl: settings.value('HMS_TOKEN_URL') },
    webPush: { allowPrivate: allowsPrivate('WEB_PUSH_ALLOW_PRIVATE'), hosts: settings.hosts('WEB_PUSH_HOSTS') },
    webhooks: { allowPrivate: allowsPrivate('WEBHOOK_ALLOW_PRIVATE') },
    upstream: { hosts: settings.hosts('UPSTREAM_HOSTS') },
    providerCa: readAuthority(settings),
  };
}

/** `hasServer`: the database is not the embedded one. */
export function readProcesses(settings: SettingReader, roles: readonly string[], hasServer: boolean): ProcessCounts {
  const workers = countWorkers(settings.value('WORKERS'));
  const apis = settings.whole('API_PROCESSES', 1, 256);
  settings.check(
    workers === null || (workers >= 1 && workers <= 256),
    'WORKERS must be auto, or a whole number from 1 to 256',
  );
  settings.check(workers === null || roles.includes('worker'), 'WORKERS needs the role worker in ROLES');
  settings.check(apis === 1 || roles.includes('api'), 'API_PROCESSES needs the role api in ROLES');
  for (const [name, isSet] of Object.entries({ WORKERS: workers !== null, API_PROCESSES: apis > 1 }))
    settings.check(
      !isSet || hasServer,
      `${name} starts several processes, which need DATABASE_URL: the embedded database serves one process`,
    );
  return { workers, apis };
}

/** Undefined: OIDC_ISSUER is not set. */
export function readPeople(settings: SettingReader, production: boolean): People | undefined {
  const issuer = settings.value('OIDC_ISSUER');
  const [clientId, clientSecret] = ['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'].map((name) => settings.value(name));
  if (issuer === '') {
    settings.check(!clientId && !clientSecret, 'OIDC_CLIENT_ID and OIDC_CLIENT_SECRET need OIDC_ISSUER');
    return undefined;
  }
  const isLocal = isUrl(issuer, ['http:']) && isThisMachine(new URL(issuer).hostname);
  settings.check(
    (isUrl(issuer, ['https:']) || (isLocal && !production)) && !/[?#]/.test(issuer),
    'OIDC_ISSUER must be an https:// URL without a query',
  );
  settings.check(clientId !== '' && clientSecret !== '', 'OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET');
  const scope = settings.value('OIDC_SCOPE');
  settings.check(scope.split(' ').includes('openid'), 'OIDC_SCOPE must contain openid');
  const rules = settings.list('OIDC_ROLES').map(readRoleRule);
  settings.check(
    rules.length > 0 && !rules.includes(null),
    `OIDC_ROLES must be a list such as group:viewer,other:author@com.acme.bank; the roles are ${PEOPLE_ROLES.join(', ')}`,
  );
  const roles = rules.filter((rule) => rule !== null);
  return {
    issuer,
    clientId: clientId!,
    clientSecret: clientSecret!,
    scope,
    rolesClaim: settings.value('OIDC_ROLES_CLAIM'),
    roles,
  };
}

function readAuthority(settings: SettingReader): string | undefined {
  const own = readPem(settings, 'PROVIDER_CA_FILE');
  // Node uses the given authorities in place of its own, so its own are added to them.
  return own === undefined ? undefined : [...rootCertificates, own].join('\n');
}

function readPem(settings: SettingReader, name: string): string | undefined {
  const file = settings.value(name);
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    settings.problems.push(`${name} cannot be read`);
    return undefined;
  }
}

export function readAudit(settings: SettingReader) {
  const [url, file] = ['AUDIT_SYSLOG_URL', 'AUDIT_FILE'].map((name) => settings.value(name));
  const ca = readPem(settings, 'AUDIT_SYSLOG_CA_FILE');
  const form = /^tls:\/\/(\[[0-9a-f:.]+\]|[^/:?#@[\]]+)(?::(\d{1,5}))?\/?$/i;
  const [, host = '', port = '6514'] = form.exec(url ?? '') ?? [];
  settings.check(
    !url || (host !== '' && Number(port) <= 65_535),
    'AUDIT_SYSLOG_URL must have the form tls://host:6514',
  );
  settings.check(!url || !file, 'AUDIT_SYSLOG_URL and AUDIT_FILE are both set: remove one of them');
  settings.check(ca === undefined || Boolean(url), 'AUDIT_SYSLOG_CA_FILE needs AUDIT_SYSLOG_URL');
  return {
    ...(url && { syslog: { host: host.replaceAll(/[[\]]/g, ''), port: Number(port), ca } }),
    ...(file && { file }),
    retentionDays: settings.whole('AUDIT_RETENTION_DAYS', 0, 36_500),
  };
}

/** Undefined: connections are opened directly. */
export function readProxySettings(settings: SettingReader): Proxy | undefined {
  const direct = settings.list('NO_PROXY').map((entry) => entry.toLowerCase());
  settings.check(
    direct.every(isProxyExemption),
    'NO_PROXY must be a list of names such as name, .name or name:8443, addresses, networks, or *',
  );
  const [name, text] = ['PROVIDER_PROXY', 'HTTPS_PROXY']
    .map((each) => [each, settings.value(each)] as const)
    .find(([, value]) => value !== '') ?? ['', ''];
  if (text === '') return undefined;
  const proxy = readProxy(text, direct);
  settings.check(
    proxy !== null,
    `${name} must be http://host:port, https://host:port or socks5://host:port; in user and password write / as %2F, : as %3A, @ as %40, % as %25`,
  );
  return proxy ?? undefined;
}

/** Undefined: plain http. */
export function readTls(settings: SettingReader): TlsFiles | undefined {
  const [certFile = '', keyFile = ''] = ['TLS_CERT_FILE', 'TLS_KEY_FILE'].map((name) => settings.value(name));
  settings.check(!certFile === !keyFile, 'TLS_CERT_FILE and TLS_KEY_FILE belong together: one of them is missing');
  if (!certFile || !keyFile) return undefined;
  try {
    readCertifiedKey({ certFile, keyFile });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    settings.problems.push(`TLS_CERT_FILE and TLS_KEY_FILE cannot be used (${code ?? message})`);
  }
  return { certFile, keyFile };
}

/** Without a slash at its end; empty in production if it is not set. */
export function readPublicUrl(
  settings: SettingReader,
  production: boolean,
  own: { port: number; tls?: object },
): string {
  const text = settings.value('PUBLIC_URL');
  settings.check(
    text === '' || (isUrl(text, production ? ['https:'] : ['https:', 'http:']) && !/[?#]/.test(text)),
    'PUBLIC_URL must be an https:// URL without a query',
  );
  const { port, tls } = own;
  return text === '' && !production ? `http${tls ? 's' : ''}://localhost:${port}` : text.replace(/\/+$/, '');
}

/** Undefined: no header is read. */
export function readCertificateHeader(settings: SettingReader, proxies: readonly string[]): string | undefined {
  const name = settings.value('CLIENT_CERTIFICATE_HEADER').toLowerCase();
  settings.check(/^[a-z0-9-]*$/.test(name), 'CLIENT_CERTIFICATE_HEADER must be the name of a header');
  settings.check(
    name === '' || proxies.length > 0,
    'CLIENT_CERTIFICATE_HEADER needs TRUST_PROXY: the header counts only from these proxies',
  );
  return name || undefined;
}

export function readLimits(settings: SettingReader) {
  const limit = (name: string): number => settings.whole(name, 1, 1e9);
  return {
    limits: {
      client: { requestsPerSecond: limit('LIMIT_CLIENT_RATE'), concurrentRequests: limit('LIMIT_CLIENT_CONCURRENT') },
      application: {
        requestsPerSecond: limit('LIMIT_APPLICATION_RATE'),
        concurrentRequests: limit('LIMIT_APPLICATION_CONCURRENT'),
      },
    },
    quotas: {
      campaigns: limit('QUOTA_CAMPAIGNS'),
      tags: limit('QUOTA_TAGS'),
      scheduledMessages: limit('QUOTA_SCHEDULED_MESSAGES'),
      devices: limit('QUOTA_DEVICES'),
    },
  };
}

export function readMetrics(settings: SettingReader) {
  const isOff = settings.value('METRICS_PORT') === '';
  return {
    port: isOff ? null : settings.whole('METRICS_PORT', 0, 65_535),
    applications: settings.whole('METRICS_APPLICATIONS', 1, 10_000),
  };
}

export function readRetention(settings: SettingReader) {
  const days = (name: string): number => settings.whole(name, 0, 36_500);
  return {
    messageDays: days('RETENTION_DAYS'),
    deviceUnseenDays: days('DEVICE_UNSEEN_DAYS'),
    deviceRetiredDays: days('DEVICE_RETIRED_DAYS'),
    webhookEventDays: days('WEBHOOK_EVENT_DAYS'),
    atMostPercent: settings.whole('REMOVE_AT_MOST_PERCENT', 1, 100),
  };
}
