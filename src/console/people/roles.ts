import type { PeopleRole, RoleRule } from '../../people-settings.js';

/**
 * Pure rules of people's roles. A role is a name for elements of the scope language. The elements are listed one by one
 * and not as `*.read`, which would cover the application `com.acme.read` too.
 */

const PROVIDERS = ['apnsConf', 'fcmConf', 'gcmConf', 'hmsConf', 'smsConf', 'upstreamConf', 'webPushConf', 'wnsConf'];
const OBJECTS = ['apps', 'campaigns', 'devices', 'messages', 'subscriptions', 'tags', 'webhooks'];

const read = (names: readonly string[]): string[] => names.map((name) => `${name}.read`);
const write = (names: readonly string[]): string[] => names.map((name) => `${name}.write`);

const VIEWER = read([...OBJECTS, ...PROVIDERS, 'apnsCert', 'gcmConfPublic', 'settings']);
const AUTHOR = [...VIEWER, 'campaigns.write'];
const APPROVALS = ['campaigns.approve', 'messages.approve'];

/** In applications. */
const IN_APPLICATIONS: Readonly<Record<PeopleRole, readonly string[]>> = {
  viewer: VIEWER,
  author: AUTHOR,
  approver: [...AUTHOR, ...APPROVALS, 'messages.write'],
  operator: [...VIEWER, ...write(['apps', 'webhooks', ...PROVIDERS]), 'campaigns.control', 'messages.control'],
  administrator: [...VIEWER, ...write([...OBJECTS, ...PROVIDERS]), ...APPROVALS],
};

/** Besides, for a role in all applications. */
const EVERYWHERE: Readonly<Record<PeopleRole, readonly string[]>> = {
  viewer: [],
  author: [],
  approver: [],
  operator: ['mfpoperator', 'mfpmonitor'],
  administrator: ['*'],
};

/**
 * The scopes of a person with these groups: one for each rule, because the rights of a role in one application do not
 * hold in the application of another role. Empty: none of the groups has a role.
 */
export function grantsOf(groups: readonly string[], rules: readonly RoleRule[]): string[][] {
  const own = new Set(groups);
  return rules
    .filter(({ group }) => own.has(group))
    .map(({ role, applications }) =>
      applications === null
        ? [...IN_APPLICATIONS[role], ...EVERYWHERE[role], 'push.application.*']
        : [...IN_APPLICATIONS[role], ...applications.map((id) => `push.application.${id}`)],
    );
}
