import { EventEmitter } from 'node:events';
import type { FastifyReply } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Clock } from '../../../src/common/clock.js';
import { Door } from '../../../src/limits/door.js';
import { Queues } from '../../../src/queue/queue.js';
import { openPlace } from '../database/places.js';

const MANY = 1_000;

let place: Awaited<ReturnType<typeof openPlace>>;
let queues: Queues;
beforeAll(async () => {
  place = await openPlace();
  queues = await Queues.open({}, place.database, () => undefined);
});
afterAll(async () => {
  await queues.close();
  await place.remove();
});

/** The parts of an answer that the door needs: its head and its end. */
function newReply(): FastifyReply & { raw: EventEmitter } {
  return { headers: () => undefined, raw: new EventEmitter() } as unknown as FastifyReply & { raw: EventEmitter };
}
const newDoor = (client: number, application: number): Door => {
  const of = (concurrentRequests: number) => ({ requestsPerSecond: MANY, concurrentRequests });
  return new Door({ limits: { client: of(client), application: of(application) } }, queues, new Clock());
};

const client = (id: string, concurrentRequests: number | null = null) => ({
  id,
  requestsPerSecond: null,
  concurrentRequests,
});

it('limits the open requests of a client, and admits the next when an answer has ended', () => {
  const door = newDoor(2, MANY);
  const replies = [newReply(), newReply()];
  for (const reply of replies) door.enter(reply, client('crm'), 'com.acme.app');
  expect(() => door.enter(newReply(), client('crm'), 'com.acme.app')).toThrow('the client crm may have 2 open');
  door.enter(newReply(), client('shop'), 'com.acme.app');
  replies[0]?.raw.emit('close');
  door.enter(newReply(), client('crm'), 'com.acme.app');
  expect(() => door.enter(newReply(), client('crm'), 'com.acme.app')).toThrow('open.');
});

it('limits the open requests of an application over all clients, without affecting others', () => {
  const door = newDoor(MANY, 2);
  for (const id of ['crm', 'shop']) door.enter(newReply(), client(id), 'com.acme.app');
  const enter = (application: string): void => door.enter(newReply(), client('desk'), application);
  expect(() => enter('com.acme.app')).toThrow('the application com.acme.app may have 2 open');
  enter('com.acme.other');
});

it("uses a client's own limit", () => {
  const door = newDoor(MANY, MANY);
  const crm = client('crm', 1);
  door.enter(newReply(), crm, undefined);
  expect(() => door.enter(newReply(), crm, undefined)).toThrow('may have 1 open');
});
