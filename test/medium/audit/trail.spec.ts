import { Logger } from '@nestjs/common';
import Fastify from 'fastify';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { AuditTrail } from '../../../src/audit/audit-trail.js';
import { AppLogger } from '../../../src/common/logger.js';
import { AuthRoom, SetClock } from '../auth/auth-room.js';
import { openPlace } from '../database/places.js';

it('an event that the database refuses is a line of the log, without person, address and values', async () => {
  const { database, remove } = await openPlace();
  const room = await AuthRoom.open(database, new SetClock(Date.now()));
  await sql`alter table audit_event rename to audit_event_away`.execute(database.kysely);
  const lines: string[] = [];
  Logger.overrideLogger(new AppLogger({ level: 'info', json: true }, { write: (line: string) => lines.push(line) }));
  const fastify = Fastify();
  new AuditTrail(room.audit, room.snapshot).watch(fastify);
  fastify.post('/imfpush/v1/apps/:applicationId/tags', (request, reply) => {
    const person = { subject: 'ann', name: 'Ann Example' };
    Object.assign(request, { authorized: { clientId: 'person:ann', person } });
    return reply.status(201).send('{"name":"weather"}');
  });
  const answer = await fastify.inject({
    method: 'POST',
    url: '/imfpush/v1/apps/com.example.app/tags',
    headers: { 'user-agent': 'Thing/1' },
    remoteAddress: '203.0.113.7',
  });
  expect(answer.statusCode).toBe(201);
  const [line, ...more] = lines.filter((each) => each.includes('could not be stored'));
  expect(more).toEqual([]);
  expect(line).toMatch(/does not exist.*tag\.create.*com\.example\.app.*done/);
  expect(line).not.toMatch(/ann|Ann|203\.0\.113|Thing|weather/);
  await fastify.close();
  await remove();
});
