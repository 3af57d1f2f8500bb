import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ACTS } from './acts.js';

const APP = '/imfpush/v1/apps/{applicationId}';
const BY_THEMSELVES = 'devices register and subscribe by themselves, in millions; webhooks tell of them';
const OF_DEVICES = 'devices tell of messages, and get tokens for it, in millions';
const NO_CHANGE = 'it answers what would be, and changes nothing';
const NO_SMS = 'it is always refused: there is no SMS';

/** Writing routes that are not in the audit, with the reason. */
const UNRECORDED: Readonly<Record<string, string>> = {
  [`POST ${APP}/devices`]: BY_THEMSELVES,
  [`PUT ${APP}/devices/{deviceId}`]: BY_THEMSELVES,
  [`DELETE ${APP}/devices/{deviceId}`]: BY_THEMSELVES,
  [`POST ${APP}/devices/{deviceId}/token`]: OF_DEVICES,
  [`POST ${APP}/messages/{messageId}/receipts`]: OF_DEVICES,
  [`POST ${APP}/messages/{messageId}/receipts/bulk`]: OF_DEVICES,
  [`PUT ${APP}/messages/{messageId}`]: OF_DEVICES,
  [`POST ${APP}/subscriptions`]: BY_THEMSELVES,
  [`DELETE ${APP}/subscriptions`]: BY_THEMSELVES,
  [`DELETE ${APP}/subscriptions/{subscriptionId}`]: BY_THEMSELVES,
  ...Object.fromEntries(
    ['apns', 'fcm', 'wns', 'hms', 'webPush', 'upstream'].map((name) => [
      `POST ${APP}/settings/${name}Conf/test`,
      NO_CHANGE,
    ]),
  ),
  [`POST ${APP}/audience:count`]: NO_CHANGE,
  [`POST ${APP}/campaigns:shared`]: NO_CHANGE,
  [`POST ${APP}/campaigns:preview`]: NO_CHANGE,
  [`POST ${APP}/messages:render`]: NO_CHANGE,
  [`PUT ${APP}/settings/smsConf`]: NO_SMS,
  [`DELETE ${APP}/settings/smsConf`]: NO_SMS,
};

interface Operation {
  responses: Record<string, { content?: Record<string, unknown> }>;
}

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, operation })),
);

describe('every route of the API document', () => {
  it('that writes is in the audit, or has a reason', () => {
    const writing = operations.map(({ route }) => route).filter((route) => !route.startsWith('GET '));
    expect(writing.filter((route) => !ACTS[route] && !UNRECORDED[route])).toEqual([]);
    expect(Object.keys(UNRECORDED).filter((route) => ACTS[route] || !writing.includes(route))).toEqual([]);
  });

  it('that answers with lines, or with a certificate, is in the audit', () => {
    const exporting = operations.filter(
      ({ route, operation }) =>
        route.endsWith('Cert') ||
        Object.keys(operation.responses['200']?.content ?? {})
          .join()
          .includes('ndjson'),
    );
    expect(exporting.map(({ route }) => route).filter((route) => !ACTS[route])).toEqual([]);
    expect(exporting).toHaveLength(6);
  });

  it('that the audit lists exists, but for those of the console', () => {
    const known = new Set(operations.map(({ route }) => route));
    expect(Object.keys(ACTS).filter((route) => !known.has(route) && !route.includes(' /console/'))).toEqual([]);
  });
});
