import type { Provider, Settings } from './read-providers';

/** The fields of each provider's settings: one form, or one of two. */

export type FieldName =
  | 'key'
  | 'keyId'
  | 'teamId'
  | 'bundleId'
  | 'isSandBox'
  | 'certificate'
  | 'password'
  | 'serviceAccount'
  | 'subject'
  | 'publicKey'
  | 'privateKey'
  | 'packageSID'
  | 'tenantId'
  | 'clientId'
  | 'clientSecret'
  | 'appId'
  | 'baseUrl'
  | 'secret'
  | 'mode'
  | 'share';

export interface Form {
  id: 'token' | 'certificate' | 'package' | 'entra' | 'oauth' | 'account' | 'contact';
  fields: FieldName[];
  /** May be left out. */
  optional?: FieldName[];
}

export const FORMS: Readonly<Record<Provider, readonly Form[]>> = {
  apns: [
    { id: 'token', fields: ['key', 'keyId', 'teamId', 'bundleId', 'isSandBox'] },
    { id: 'certificate', fields: ['certificate', 'password', 'bundleId', 'isSandBox'], optional: ['bundleId'] },
  ],
  fcm: [{ id: 'account', fields: ['serviceAccount'] }],
  'web-push': [
    { id: 'contact', fields: ['subject', 'publicKey', 'privateKey'], optional: ['publicKey', 'privateKey'] },
  ],
  wns: [
    { id: 'package', fields: ['packageSID', 'clientSecret'] },
    { id: 'entra', fields: ['tenantId', 'clientId', 'clientSecret'] },
  ],
  hms: [
    { id: 'oauth', fields: ['appId', 'clientId', 'clientSecret'] },
    { id: 'account', fields: ['serviceAccount'] },
  ],
  upstream: [{ id: 'oauth', fields: ['baseUrl', 'clientId', 'secret', 'mode', 'share'], optional: ['secret'] }],
};

export const SECRETS: readonly FieldName[] = ['password', 'privateKey', 'clientSecret', 'secret'];

/** The endings that the dialog for a file offers. */
export const FILES: Readonly<Partial<Record<FieldName, string>>> = {
  key: '.p8',
  certificate: '.p12,.pfx',
  serviceAccount: '.json',
};

/** The form that settings were stored by. */
export function formOf(provider: Provider, settings: Settings): Form {
  const [first, second] = FORMS[provider];
  const isSecond = ['validUntil', 'tenantId', 'projectId'].some((name) => settings[name] !== undefined);
  return (provider !== 'fcm' && isSecond && second) || first!;
}

/** The fields of settings that a person edits; a stored file is its name only, so a new one is wanted. */
export function editable(settings: Settings): Settings {
  const { certificate: _name, isSandBox, ...rest } = settings;
  return { ...rest, ...(isSandBox !== undefined && { isSandBox: String(isSandBox) === 'true' }) };
}

/** The filled fields of the form. A share belongs to one mode, the name of a file to a certificate. */
export function bodyOfForm({ id, fields }: Form, settings: Settings): Settings {
  const names = fields.filter((name) => name !== 'share' || settings.mode === 'both');
  return Object.fromEntries(
    [...names, ...(id === 'certificate' ? ['fileName'] : [])]
      .map((name) => [name, settings[name]])
      .filter(([, value]) => value !== undefined && value !== ''),
  ) as Settings;
}

/** Whether two versions of the field may be shown beside each other. */
export function isShown(name: string): boolean {
  return !SECRETS.includes(name as FieldName) && !(name in FILES);
}
