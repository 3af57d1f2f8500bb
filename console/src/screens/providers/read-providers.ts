import { api, bodyOf, versionOf } from '../../api/client';
import type { Version } from '../../api/client';
import type { Reading } from '../../api/read';
import type { components } from '../../api/schema';

/** The segment of a provider's settings in paths and scopes. */
export const CONFS = {
  apns: 'apnsConf',
  fcm: 'fcmConf',
  'web-push': 'webPushConf',
  wns: 'wnsConf',
  hms: 'hmsConf',
  upstream: 'upstreamConf',
} as const;
export type Provider = keyof typeof CONFS;
export type ProviderState = components['schemas']['ProviderAnswer'];
export type TestResult = components['schemas']['SettingsTestAnswer'];
/** In the provider's own form. */
export type Settings = Record<string, string | number | boolean | undefined>;

export const providersKey = (applicationId: string): string[] => ['providers', applicationId];

const APP = '/imfpush/v1/apps/{applicationId}';

/** The calls of every provider's settings have one form; the types are those of APNs. */
function pathOf(provider: Provider): `${typeof APP}/settings/apnsConf` {
  return `${APP}/settings/${CONFS[provider]}` as `${typeof APP}/settings/apnsConf`;
}

export async function readProviders(applicationId: string, options: Reading): Promise<ProviderState[]> {
  const params = { path: { applicationId } };
  return (await bodyOf(api.GET(`${APP}/providers`, { params, ...options }))).providers;
}

export async function readSettings(
  applicationId: string,
  provider: Provider,
  options?: Reading,
): Promise<Version<Settings>> {
  const params = { path: { applicationId } };
  const { body, etag } = await versionOf(api.GET(pathOf(provider), { params, ...options }));
  return { body: { ...body }, etag };
}

/** Refused with 412 if the settings are no longer of this revision; null: if there are any. */
export function putSettings(applicationId: string, provider: Provider, body: Settings, etag: string | null) {
  const header = etag === null ? { 'If-None-Match': '*' } : { 'If-Match': etag };
  const params = { path: { applicationId }, header };
  return bodyOf(api.PUT(pathOf(provider), { params, body: body as never }));
}

/** Without fields, the stored settings are tested. */
export function testSettings(applicationId: string, provider: Provider, body: Settings = {}): Promise<TestResult> {
  const params = { path: { applicationId } };
  return bodyOf(api.POST(`${pathOf(provider)}/test`, { params, body: body as never }));
}

/** Refused with 412 if the settings are no longer of this revision. */
export function removeSettings(applicationId: string, provider: Provider, etag: string) {
  const params = { path: { applicationId }, header: { 'If-Match': etag } };
  return bodyOf(api.DELETE(pathOf(provider), { params }));
}

export function resumeProvider(applicationId: string, provider: string) {
  return bodyOf(api.POST(`${APP}/providers/{provider}/resume`, { params: { path: { applicationId, provider } } }));
}
