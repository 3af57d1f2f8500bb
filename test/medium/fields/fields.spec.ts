import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fieldsOf } from '../../../src/common/fields.js';
import { SendMessageDto } from '../../../src/messages/request/message.dto.js';
import { prepareMessage } from '../../../src/messages/request/prepare.js';
import type { LedgerEntry } from '../../simulators/shared/ledger.js';
import { NOW } from './clock.js';
import { fieldsDocument } from './document.js';
import { Places } from './places.js';
import { differenceOf, findFault, readReceived } from './received.js';
import { PLACES, withField, type Place, type Received } from './row.js';
import { ROWS } from './rows.js';

const ID = 'fnDWK8bG';
const BACKGROUND = { 'apns-push-type': 'background' };

let places: Places;
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  places = await Places.open();
});
afterAll(async () => {
  await places.close();
  vi.useRealTimers();
});

/** The values that every place receives for a caller's body; each request is checked against its provider's schema. */
async function send(body: Record<string, unknown>): Promise<Record<Place, Received>> {
  const { notification, timing, data, warnings } = prepareMessage(body, places.providers, { now: NOW, strict: false });
  for (const { message } of warnings) expect(message).toMatch(/^Unknown field '(validate|settings\.chromeAppExt)'/);
  const message = {
    ...notification,
    messageId: ID,
    collapseId: notification.collapseId || ID,
    expiresAt: timing.expiresAt.getTime(),
  };
  const values = notification.placeholders ? (data?.get('u1') ?? {}) : undefined;
  vi.setSystemTime(timing.sendAt ?? NOW);
  const received: Partial<Record<Place, Received>> = {};
  for (const place of PLACES) {
    const entries = await places.deliver(place, message, values);
    for (const entry of entries) expect(findFault(place, entry), place).toBeNull();
    received[place] = readReceived(place, entries);
  }
  return received as Record<Place, Received>;
}

describe('each field of a message arrives at its places, and nowhere else', () => {
  it.each(ROWS)('$field $value', async ({ field, value, lands, given }) => {
    const without = await send(given);
    const withIt = await send(withField(given, field, value));
    const differences = PLACES.map((place) => [place, differenceOf(without[place], withIt[place])]);
    expect(Object.fromEntries(differences)).toEqual(
      Object.fromEntries(PLACES.map((place) => [place, lands[place] ?? {}])),
    );
  });
});

/** The paths of all fields of the DTO and its nested DTOs. */
function* pathsOf(type: new () => object, path = ''): Generator<string> {
  for (const [name, { nested }] of fieldsOf(type))
    if (nested) yield* pathsOf(nested as new () => object, `${path}${name}.`);
    else yield path + name;
}

describe('the schemas refuse', () => {
  const entry = (body: unknown, headers: Record<string, unknown> = {}) => ({ body, headers }) as LedgerEntry;
  const alert = { aps: { alert: { body: 'Hi' }, badge: 3 }, mine: {} };
  const toast = '<toast launch="x"><visual lang="de"><binding template="ToastGeneric"/></visual></toast>';

  it.each<[string, Place, unknown, Record<string, unknown>?]>([
    ['nothing in a valid alert', 'apns', alert],
    ['nothing in a valid toast', 'wns', toast],
  ])('%s', (_what, place, body, headers) => {
    expect(findFault(place, entry(body, headers))).toBeNull();
  });

  it.each<[string, Place, unknown, Record<string, unknown>?]>([
    ["a key that is not in Apple's schema", 'apns', { aps: { ...alert.aps, titel: 'x' } }],
    ['a badge as text', 'apns', { aps: { badge: '3' } }],
    ['an argument as a number', 'apns', { aps: { alert: { 'loc-args': [1] } } }],
    ['a sound in a background push', 'apns', { aps: { 'content-available': 1, sound: 'x' } }, BACKGROUND],
    ['an unknown enumerated word', 'fcm', { message: { android: { notification: { visibility: 'secret' } } } }],
    ["a member that is not in Push Kit's schema", 'hms', { message: { android: { lights: {} } } }],
    ['a member of v1 in v3', 'harmony', { payload: { extra_data: '' }, target: { token: [] } }],
    ['a message without payload', 'chrome', { nid: 'x', alert: 'x' }],
    ['an attribute that only tiles have', 'wns', toast.replace('lang', 'contentId')],
    ['an invalid boolean', 'wns', toast.replace('lang="de"', 'addImageQuery="yes"')],
    ['a binding without template', 'wns', toast.replace('template=', 'fallback=')],
    ['text in an empty element', 'wns', toast.replace('<visual', 'text<visual')],
    ['an unknown element', 'wns', toast.replaceAll('visual', 'vision')],
  ])('%s', (_what, place, body, headers) => {
    expect(findFault(place, entry(body, headers))).not.toBeNull();
  });
});

describe('the rows', () => {
  const known = [...pathsOf(SendMessageDto)];
  const isOf = (row: string, field: string): boolean => row === field || row.startsWith(`${field}.`);

  it('cover every field that is read', () => {
    expect(known.length).toBeGreaterThan(100);
    expect(known.filter((field) => !ROWS.some((row) => isOf(row.field, field)))).toEqual([]);
  });

  it('cover no other field, except those that are ignored by name', () => {
    const strange = ROWS.filter(({ field }) => !known.some((name) => isOf(field, name))).map(({ field }) => field);
    expect(strange).toEqual(['validate', 'settings.chromeAppExt']);
  });

  it('match docs/fields.md (npm run documents)', async () => {
    const document = readFileSync(new URL('../../../docs/fields.md', import.meta.url), 'utf8');
    expect(document).toBe(await fieldsDocument());
  });
});
