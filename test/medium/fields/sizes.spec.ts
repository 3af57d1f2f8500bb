import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareMessage, type PreparedMessage } from '../../../src/messages/request/prepare.js';
import { measureSizes } from '../../../src/messages/request/build-notification.js';
import type { Notification } from '../../../src/providers/notification.js';
import type { LedgerEntry } from '../../simulators/shared/ledger.js';
import { Places } from './places.js';
import type { Place } from './row.js';

const ID = 'fnDWK8bG';
/** Characters of two, three and four bytes, and characters that JSON and XML escape. */
const TEXT = 'Grüße, 世界 😀 "<&>"\n';

interface Limit {
  /** The place with the larger body first. */
  places: readonly Place[];
  platform: string;
  provider: string;
  limit: number;
  /** A field that is in the body once, with one byte per letter. */
  pad: (text: string) => object;
  /** Measured bytes that this test's device does not need, because tokens are measured at their longest. */
  spare?: number;
}

/** A value may have at most 4,096 characters, and Windows has room for more. */
const BEFORE = 'y'.repeat(1_500);

const settings = (of: object): object => ({ settings: of });

const LIMITS: readonly Limit[] = [
  {
    places: ['apns'],
    platform: 'A',
    provider: 'apns',
    limit: 4_096,
    pad: (p) => settings({ apns: { payload: { p } } }),
  },
  {
    places: ['fcm'],
    platform: 'G',
    provider: 'fcm',
    limit: 4_096,
    pad: (p) => settings({ gcm: { payload: { p } } }),
    spare: 256 - 64,
  },
  {
    places: ['hms', 'harmony'],
    platform: 'H',
    provider: 'hms',
    limit: 4_096,
    pad: (p) => settings({ gcm: { payload: { p } } }),
  },
  {
    places: ['wns'],
    platform: 'W',
    provider: 'wns',
    limit: 5_000,
    pad: (launch) => settings({ wns: { toast: { launch } } }),
  },
  {
    places: ['wns'],
    platform: 'W',
    provider: 'wns',
    limit: 5_000,
    pad: (payload) => settings({ wns: { raw: { payload } } }),
  },
  ...(['chrome', 'firefox'] as const).map((browser) => ({
    places: [browser],
    platform: `WEB_${browser.toUpperCase()}`,
    provider: 'web-push',
    limit: 3_993,
    pad: (p: string) => settings({ [`${browser}Web`]: { payload: { p } } }),
  })),
  {
    places: ['safari'],
    platform: 'WEB_SAFARI',
    provider: 'web-push',
    limit: 3_993,
    pad: (body) => settings({ safariWeb: { body } }),
  },
];

let places: Places;
beforeAll(async () => {
  places = await Places.open();
});
afterAll(() => places.close());

function prepare(body: object): PreparedMessage {
  // The longer word of Push Kit's urgency: an urgent message leaves two bytes.
  return prepareMessage({ priority: 'normal', ...body }, places.providers, { now: Date.now(), strict: false });
}

/** The notification as it is stored. */
function toSend({ notification, timing }: PreparedMessage): Notification {
  return { ...notification, messageId: ID, collapseId: ID, expiresAt: timing.expiresAt.getTime() };
}

function measure({ notification }: PreparedMessage, platform: string): number {
  return measureSizes({ ...notification, placeholders: undefined }, [platform], places.providers)[0]!.bytes;
}

/** The bytes that the provider limits: without tokens at Push Kit, before encryption for Web Push. */
function bytesOf({ body }: LedgerEntry): number {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return Buffer.byteLength(text.replace(/"token":\["[^"]*"\]/, '"token":[]'));
}

const refusal = ({ limit, provider }: Limit): RegExp =>
  new RegExp(`the message has ${limit + 1} bytes at ${provider}, the limit is ${limit}\\.$`);

describe.each(LIMITS)('$platform, at most $limit bytes at $provider', (of) => {
  const { places: at, platform, limit, pad, spare = 0 } = of;
  const target = { platforms: [platform] };

  it('accepts a message of exactly the limit here and there, and refuses one byte more', async () => {
    const body = (bytes: number): object => ({ message: { alert: TEXT }, target, ...pad('x'.repeat(bytes)) });
    const room = limit - measure(prepare(body(1)), platform) + 1;
    const exact = prepare(body(room));
    expect(measure(exact, platform)).toBe(limit);
    const taken = [];
    for (const place of at) taken.push(...(await places.deliver(place, toSend(exact))));
    expect(Math.max(...taken.map(bytesOf))).toBe(limit - spare);
    expect(() => prepare(body(room + 1))).toThrow(refusal(of));
    // Bytes count, not characters: the text has characters of two bytes.
    expect(() => prepare(body(room - 2))).not.toThrow();
    expect(() => prepare({ ...body(0), ...pad(`${'x'.repeat(room - 2)}世`) })).toThrow(refusal(of));
  });

  it('refuses placeholder values of one user that make the message too large', async () => {
    const body = (bytes: number): object => ({
      message: { alert: 'Hi' },
      target: { userIds: ['ann', 'ben'], ...target },
      data: { ann: { name: 'ü' }, ben: { name: 'ü'.repeat(9) + 'x'.repeat(bytes) } },
      ...pad(`${BEFORE}{{name}}`),
    });
    const filled = (bytes: number): object => ({
      message: { alert: 'Hi' },
      ...pad(`${BEFORE}${'ü'.repeat(9)}${'x'.repeat(bytes)}`),
    });
    const room = limit - measure(prepare(filled(1)), platform) + 1;
    const exact = prepare(body(room));
    const taken = [];
    for (const place of at) taken.push(...(await places.deliver(place, toSend(exact), exact.data!.get('ben'))));
    expect(Math.max(...taken.map(bytesOf))).toBe(limit - spare);
    expect(() => prepare(body(room + 1))).toThrow(new RegExp(`with the data of user 'ben' ${refusal(of).source}`));
  });

  it("fails a delivery before writing if the device's values make it too large", async () => {
    const body = { message: { alert: 'Hi' }, target, ...pad('{{name|}}') };
    const room = limit - measure(prepare({ ...body, ...pad('x') }), platform) + 1;
    const message = toSend(prepare(body));
    const values = (bytes: number): { name: string } => ({ name: 'x'.repeat(bytes + spare) });
    expect(await places.send(at[0]!, message, values(room))).toMatchObject({ action: 'accept' });
    expect(await places.send(at[0]!, message, values(room + 1))).toEqual({
      action: 'fail',
      reason: `the message is ${limit + 1} bytes, the provider takes ${limit}`,
    });
  });
});

it('refuses a message to all devices by the smallest limit of them', () => {
  const alert = 'x'.repeat(3_960);
  expect(() => prepare({ message: { alert } })).toThrow(/ bytes at \w+, the limit is 4096/);
  expect(() => prepare({ message: { alert }, target: { platforms: ['A', 'W'] } })).not.toThrow();
});

it('leaves room in an urgent message to repeat it with normal urgency, for an app without the right', () => {
  const bytes = (priority: string): number => measure(prepare({ message: { alert: 'Hi' }, priority }), 'H');
  expect(bytes('high')).toBe(bytes('normal'));
});
