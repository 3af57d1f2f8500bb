import type { Setting } from './setting.js';

/** The settings of the console: a part of the list in settings.ts. */
export const CONSOLE_SETTINGS: readonly Setting[] = [
  {
    name: 'CONSOLE',
    fallback: 'on',
    meaning: '`off`: serve no Operations Console at `/console/`, and accept no sessions of one',
  },
  {
    name: 'ENVIRONMENT_NAME',
    fallback: '',
    meaning:
      'name of this installation in the top bar of the console; its colour follows from the name (red for one with “prod”); empty: `development` or `production`',
  },
  {
    name: 'OIDC_ISSUER',
    fallback: '',
    meaning:
      'issuer of an OpenID Connect identity provider, by which people sign in to the console (`https://login.example.com/realms/acme`); its client needs the redirect address `https://<host>/console/api/people/callback`. Empty: clients alone sign in',
  },
  { name: 'OIDC_CLIENT_ID', fallback: '', meaning: 'id of this installation at the identity provider' },
  { name: 'OIDC_CLIENT_SECRET', fallback: '', meaning: 'its secret there', isSecret: true },
  {
    name: 'OIDC_SCOPE',
    fallback: 'openid email profile',
    meaning:
      'scope of the sign-in; some providers tell the groups of a person only with a further one, such as `groups`',
  },
  {
    name: 'OIDC_ROLES_CLAIM',
    fallback: 'roles',
    meaning:
      'claim with the groups of a person, a list of texts or a single text, as a dotted path (`realm_access.roles`); names in the path may contain dots',
  },
  {
    name: 'OIDC_ROLES',
    fallback: '',
    meaning:
      'role of each group, comma-separated: `push-admins:administrator,marketing:author@com.acme.bank+com.acme.shop`; roles are `viewer`, `author`, `approver`, `operator` and `administrator`, `@` binds one to applications. A person without any of the groups cannot sign in',
  },
];
