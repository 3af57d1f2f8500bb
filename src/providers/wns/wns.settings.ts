import { InvalidSettings, type ProviderSettings } from '../provider.js';
import { matching } from '../shared/settings-input.js';

/** Credentials for WNS: `settings` after `parseWnsSettings`. */
export type WnsCredentials =
  /** An app of the Microsoft Store, identified by its package. */
  | { kind: 'package'; packageSID: string; clientSecret: string }
  /** A Windows App SDK app, registered in Microsoft Entra. */
  | { kind: 'entra'; tenantId: string; clientId: string; clientSecret: string };

export const PACKAGE_SID = /^ms-app:\/\/s-1-15-2(-\d{1,10}){1,15}\/?$/i;
const ENTRA_FIELDS = ['tenantId', 'clientId'] as const;

/**
 * Validates WNS settings: MobileFirst's `{packageSID, clientSecret}` or, for the Windows App SDK, `{tenantId, clientId,
 * clientSecret}`. All fields except the secret are returned. Throws InvalidSettings; its text never contains the input.
 */
export function parseWnsSettings(input: Record<string, unknown>): ProviderSettings {
  const extra = input.packageSID === undefined ? undefined : ENTRA_FIELDS.find((field) => input[field] !== undefined);
  if (extra !== undefined) throw new InvalidSettings(extra, 'belongs to an Entra app, which has no packageSID');
  const visible =
    input.tenantId === undefined && input.clientId === undefined
      ? { packageSID: matching(input, 'packageSID', PACKAGE_SID, 'must be the package SID, ms-app://s-1-15-2-…') }
      : {
          tenantId: matching(
            input,
            'tenantId',
            /^[A-Za-z0-9][A-Za-z0-9.-]{0,100}$/,
            "must be the tenant's id or domain",
          ),
          clientId: matching(
            input,
            'clientId',
            /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
            "must be the app's GUID",
          ),
        };
  const clientSecret = matching(input, 'clientSecret', /^[\x20-\x7e]{1,500}$/, 'must be the secret, in ASCII');
  return { visible, secret: { clientSecret } };
}

export function openWnsSettings({ visible, secret }: ProviderSettings): WnsCredentials {
  const clientSecret = String(secret.clientSecret);
  const { packageSID, tenantId, clientId } = visible;
  return typeof packageSID === 'string'
    ? { kind: 'package', packageSID, clientSecret }
    : { kind: 'entra', tenantId: String(tenantId), clientId: String(clientId), clientSecret };
}
