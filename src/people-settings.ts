/** Which roles the groups of an identity provider have: the setting OIDC_ROLES. Pure. */

export const PEOPLE_ROLES = ['viewer', 'author', 'approver', 'operator', 'administrator'] as const;
export type PeopleRole = (typeof PEOPLE_ROLES)[number];

export interface RoleRule {
  /** As the roles claim has it, in the same case. */
  group: string;
  role: PeopleRole;
  /** Application ids, with `*` for any characters. Null: all applications, and administration. */
  applications: readonly string[] | null;
}

export interface People {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Scope of the sign-in. */
  scope: string;
  rolesClaim: string;
  roles: readonly RoleRule[];
}

/** A group may contain colons (`urn:example:push`), so the role is what follows the last one. */
const RULE = /^(.+):([a-z]+)(?:@([A-Za-z0-9._*+-]+))?$/;

/** `push-admins:administrator`, `marketing:author@com.acme.bank+com.acme.shop`. Null: the text has another form. */
export function readRoleRule(text: string): RoleRule | null {
  const [, group = '', name = '', applications] = RULE.exec(text) ?? [];
  const role = PEOPLE_ROLES.find((each) => each === (name === 'admin' ? 'administrator' : name));
  if (role === undefined) return null;
  return { group, role, applications: applications?.split('+').filter((id) => id !== '') ?? null };
}
