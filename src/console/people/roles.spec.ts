import { describe, expect, it } from 'vitest';
import { covers } from '../../auth/scope.js';
import { readRoleRule } from '../../people-settings.js';
import { grantsOf } from './roles.js';

const RULES = [
  'push-admins:admin',
  'marketing:author@com.acme.bank+com.acme.shop-*',
  'bank:operator@com.acme.bank',
  'desk:viewer',
  'night:operator',
  'urn:example:groups:lead:approver',
].map((text) => readRoleRule(text)!);

/** Whether a person with these groups may make a call of an application; without one, a call of administration. */
function may(groups: readonly string[], element: string, application?: string): boolean {
  const needs = [element, ...(application === undefined ? [] : [`push.application.${application}`])];
  return grantsOf(groups, RULES).some((grant) => covers(grant, needs));
}

describe('a rule', () => {
  it('names a group, a role and perhaps applications', () => {
    expect(RULES[0]).toEqual({ group: 'push-admins', role: 'administrator', applications: null });
    expect(RULES[1]).toMatchObject({ role: 'author', applications: ['com.acme.bank', 'com.acme.shop-*'] });
    expect(RULES[5]).toMatchObject({ group: 'urn:example:groups:lead', role: 'approver' });
  });

  it.each(['', 'viewer', ':viewer', 'a:', 'a:root', 'a:Viewer', 'a:viewer@', 'a:viewer@x y'])('is not %j', (text) =>
    expect(readRoleRule(text)).toBeNull(),
  );
});

describe('a person', () => {
  it.each([[[]], [['push-admins-x']], [['Push-Admins']], [['PUSH-ADMINS']], [['push']], [['']]])(
    'with the groups %j has no role',
    (groups) => expect(grantsOf(groups, RULES)).toEqual([]),
  );

  it('has the rights of the role, and no others', () => {
    expect(may(['desk'], 'messages.read', 'a')).toBe(true);
    for (const element of ['messages.write', 'campaigns.write', 'apnsConf.write', 'devices.write'])
      expect(may(['desk'], element, 'a')).toBe(false);
    expect(may(['urn:example:groups:lead'], 'campaigns.approve', 'a')).toBe(true);
    expect(may(['urn:example:groups:lead'], 'apnsConf.write', 'a')).toBe(false);
    expect(may(['night'], 'fcmConf.write', 'a')).toBe(true);
    for (const element of ['messages.control', 'campaigns.control']) expect(may(['night'], element, 'a')).toBe(true);
    for (const element of ['messages.write', 'campaigns.write']) expect(may(['night'], element, 'a')).toBe(false);
    expect(may(['night'], 'mfpmonitor')).toBe(true);
    for (const role of ['mfpadmin', 'mfpdeployer']) expect(may(['night'], role)).toBe(false);
    expect(may(['push-admins'], 'mfpadmin')).toBe(true);
  });

  it('has a role in its applications alone', () => {
    expect(may(['marketing'], 'campaigns.write', 'com.acme.bank')).toBe(true);
    expect(may(['marketing'], 'campaigns.write', 'com.acme.shop-de')).toBe(true);
    expect(may(['marketing'], 'campaigns.write', 'com.acme.other')).toBe(false);
    // Not even in one whose name looks like a scope element.
    expect(may(['marketing'], 'messages.read', 'com.acme.read')).toBe(false);
    expect(may(['bank'], 'mfpmonitor')).toBe(false);
  });

  it('with two roles does not have the one in the applications of the other', () => {
    const groups = ['marketing', 'bank'];
    expect(may(groups, 'campaigns.write', 'com.acme.shop-de')).toBe(true);
    expect(may(groups, 'apnsConf.write', 'com.acme.bank')).toBe(true);
    expect(may(groups, 'apnsConf.write', 'com.acme.shop-de')).toBe(false);
  });

  it('with 300 groups has the roles of those with a rule', () => {
    const many = Array.from({ length: 300 }, (_, n) => `group-${n}`);
    expect(grantsOf([...many, 'desk'], RULES)).toHaveLength(1);
  });
});
