import type { Provider, Settings } from './read-providers';

/** What each provider's settings consist of: one form, or one of two. */

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
  id: 'token' | 'certificate' | 'package' | 'entra' | 'oauth' | 'account' | 'only';
  fields: FieldName[];
  /** May be left out. */
  optional?: FieldName[];
}

export const FORMS: Readonly<Record<Provider, readonly Form[]>> = {
  apns: [
    { id: 'token', fields: ['key', 'keyId', 'teamId', 'bundleId', 'isSandBox'] },
    { id: 'certificate', fields: ['certificate', 'password', 'bundleId', 'isSandBox'], optional: ['bundleId'] },
  ],
  fcm: [{ id: 'only', fields: ['serviceAccount'] }],
  'web-push': [{ id: 'only', fields: ['subject', 'publicKey', 'privateKey'], optional: ['publicKey', 'privateKey'] }],
  wns: [
    { id: 'package', fields: ['packageSID', 'clientSecret'] },
    { id: 'entra', fields: ['tenantId', 'clientId', 'clientSecret'] },
  ],
  hms: [
    { id: 'oauth', fields: ['appId', 'clientId', 'clientSecret'] },
    { id: 'account', fields: ['serviceAccount'] },
  ],
  upstream: [{ id: 'only', fields: ['baseUrl', 'clientId', 'secret', 'mode', 'share'], optional: ['secret'] }],
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
  const isSecond = ['certificate', 'tenantId', 'projectId'].some((name) => settings[name] !== undefined);
  return (provider !== 'fcm' && isSecond && second) || first!;
}

/** The fields of settings that a person edits; a stored file is its name only, so a new one is wanted. */
export function editable(settings: Settings): Settings {
  const { certificate: _name, isSandBox, ...rest } = settings;
  return { ...rest, ...(isSandBox !== undefined && { isSandBox: String(isSandBox) === 'true' }) };
}

/** What is put: the filled fields of the form. A share belongs to one mode. */
export function bodyOfForm({ fields }: Form, settings: Settings): Settings {
  const names = settings.mode === 'both' ? fields : fields.filter((name) => name !== 'share');
  return Object.fromEntries(
    names.map((name) => [name, settings[name]]).filter(([, value]) => value !== undefined && value !== ''),
  ) as Settings;
}
