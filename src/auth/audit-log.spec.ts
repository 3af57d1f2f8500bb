import { expect, it } from 'vitest';
import { AuditLogController } from './audit-log.controller.js';
import { toLogLine } from './audit-log.js';
import type { AuditEvent, AuditRepository } from './audit.repository.js';

const event = (changes: Partial<AuditEvent>): AuditEvent => ({
  id: 1,
  at: new Date('2026-11-30T10:00:00Z'),
  actor: { clientId: 'shop', address: '127.0.0.1' },
  action: 'tag.create',
  subject: 'com.example.app',
  outcome: 'done',
  detail: {},
  seq: 1,
  hash: null,
  ...changes,
});

it.each<[string, Partial<AuditEvent>, string]>([
  ["an act with MobileFirst's type", {}, 'createTag|shop|SUCCESS|'],
  ['an act that MobileFirst has not', { action: 'campaign.run' }, 'campaign.run|shop|SUCCESS|'],
  ['a refusal with its status', { outcome: 'refused', detail: { status: 403 } }, 'createTag|shop|ERROR|403'],
  ['a failure', { outcome: 'failed', detail: { status: 503 } }, 'createTag|shop|ERROR|503'],
  ['a sign-in that is refused', { action: 'sign_in', outcome: 'refused', detail: {} }, 'Login|shop|ERROR|'],
  [
    'a user with separators',
    { actor: { clientId: 'person:a|b\nc', address: '::1' } },
    'createTag|person:a b c|SUCCESS|',
  ],
])('writes %s as one line of six fields', (_what, changes, middle) => {
  const line = toLogLine(event(changes), 'mfp');
  expect(line).toBe(`2026-11-30T10:00:00.000Z|${middle}|mfp`);
  expect(line.split('|')).toHaveLength(6);
});

it('refuses a span of more lines than one answer has, and reads no further', async () => {
  let steps = 0;
  const listAll = function* () {
    for (; steps < 100; steps++) yield Array.from({ length: 1_000 }, () => event({}));
  };
  const log = new AuditLogController({ listAll } as unknown as AuditRepository, { runtimeName: 'mfp' });
  await expect(log.read()).rejects.toMatchObject({
    code: 'FPWSE0005E',
    message: expect.stringContaining('shorter') as string,
  });
  expect(steps).toBe(50);
});
