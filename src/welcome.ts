import { ownLine } from './common/own-line.js';
import { logsJson } from './config.js';
import type { Config } from './config.js';

/** Text printed at a start: the addresses, and in development the first push as commands to paste. */
export function welcome(
  config: Config,
  { url, adminUrl }: { url: string; adminUrl: string },
  database: string,
  queue: string,
): string {
  const zones = `${process.versions.tz ?? 'unknown'}, the rules of time zones in Node ${process.versions.node}`;
  const apart = adminUrl === url ? '' : ` and for administration on ${adminUrl}`;
  const roles = [...config.roles].join(', ');
  if (config.environment === 'production')
    return ownLine(
      logsJson(),
      'info',
      `Carillon listens on ${url}${apart} with the roles ${roles}; data: ${database}; queue: ${queue}; zones: ${zones}`,
    );
  const lines = [
    '',
    `Carillon listens on ${url}${apart}`,
    `  roles     ${roles}`,
    `  data      ${database}`,
    `  queue     ${queue}`,
    `  zones     ${zones}`,
    '',
  ];
  if (!config.hasSamples || !config.roles.has('api')) return lines.join('\n');
  const local = (address: string): string => address.replace(/\/\/.*(?=:\d+$)/, '//localhost');
  const [base, adminBase] = [local(url), local(adminUrl)];
  const messages = `${base}/imfpush/v1/apps/com.example.app/messages`;
  return [
    ...lines,
    'Development: client test/test and application com.example.app exist, with a few sandbox devices.',
    ...(config.console ? [`The console: ${adminBase}/console/`] : []),
    'The first push:',
    '',
    `  TOKEN=$(curl -s -u test:test -d grant_type=client_credentials \\`,
    `       -d 'scope=messages.write messages.read push.application.com.example.app' \\`,
    `       ${base}/mfp/api/az/v1/token | sed 's/.*"access_token":"\\([^"]*\\).*/\\1/')`,
    `  ID=$(curl -s -H "Authorization: Bearer $TOKEN" -d '{"message":{"alert":"Hello"}}' \\`,
    `       ${messages} | sed 's/.*"messageId":"\\([^"]*\\).*/\\1/')`,
    `  curl -H "Authorization: Bearer $TOKEN" ${messages}/$ID`,
    '',
    `Try the API: ${adminBase}/doc/`,
    '',
  ].join('\n');
}
