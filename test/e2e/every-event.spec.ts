import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verify } from '../../src/client/webhooks.js';
import type { Schema } from '../../src/common/schema.js';
import { EVENT_NAMES, EVENT_SCHEMAS } from '../../src/events/event-types.js';
import { makeEveryEvent } from '../harness/every-event.js';
import type { EveryEvent } from '../harness/every-event.js';
import type { Posted } from '../harness/event-receiver.js';
import { startSimulators } from '../simulators/client.js';
import type { RunningSimulators } from '../simulators/client.js';
import { STAGES } from './stages.js';

/** Each type of event, from a call of the API to webhook and feed; `npm run clients` verifies it in three languages. */

let simulators: RunningSimulators;
let made: EveryEvent;
let clean = (): void => undefined;

beforeAll(async () => {
  simulators = await startSimulators();
  const prepared = await STAGES.at(-1)!.prepare();
  clean = prepared.clean;
  made = await makeEveryEvent(prepared.environment, simulators);
});
afterAll(async () => {
  await made?.stop();
  await simulators?.stop();
  clean();
});

it.each(EVENT_NAMES)('%s is posted with a signature, and is as the API document says', async (name) => {
  const own = made.receiver.posted.filter(({ type }) => type === name);
  expect(own).not.toEqual([]);
  for (const { body, headers } of own) {
    const event = new Webhook(made.secret).verify(body, headers as Record<string, string>);
    expect(await verify(body, headers, made.secret)).toEqual(event);
    expect(headers['content-length']).toBe(String(body.length));
    expect(misfits(event, schemaOf(name))).toEqual([]);
  }
});

it('the feed has the same events with the same bytes, and a replay brings all of them again', async () => {
  const feed = await made.api.raw('GET', '/events?wait=0&limit=1000', undefined, {});
  const text = await feed.text();
  const ids = (JSON.parse(text) as { events: Posted[] }).events.map(({ id }) => id);
  const bodiesOf = (posted: readonly Posted[]): Map<string, string> =>
    new Map(posted.map(({ id, body }) => [id, body.toString()]));
  const first = bodiesOf(made.receiver.posted);
  expect([...first.keys()].toSorted()).toEqual(ids.toSorted());
  for (const body of first.values()) expect(text).toContain(body);
  await made.replay();
  expect(bodiesOf(made.receiver.posted)).toEqual(first);
});

function schemaOf(name: string): Schema {
  const schemas = Object.values(EVENT_SCHEMAS) as Schema[];
  return schemas.find(({ properties }) => (properties?.type as Schema | undefined)?.enum?.[0] === name)!;
}

/** Fields that are missing, are not in the schema, or have another type. */
function misfits(value: unknown, { type, properties = {}, required = [], items }: Schema, at = ''): string[] {
  if (type === 'array') return (value as unknown[]).flatMap((one, n) => misfits(one, items as Schema, `${at}[${n}]`));
  if (type === 'integer') return Number.isInteger(value) ? [] : [at];
  if (type !== 'object') return typeof value === type ? [] : [at];
  const fields = value as Record<string, unknown>;
  const missing = required.filter((field) => !(field in fields));
  return [
    ...missing.map((field) => `${at}.${field} is missing`),
    ...Object.entries(fields).flatMap(([field, one]) =>
      properties[field] ? misfits(one, properties[field] as Schema, `${at}.${field}`) : [`${at}.${field} is unknown`],
    ),
  ];
}
