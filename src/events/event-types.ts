import { getSchemaPath } from '@nestjs/swagger';
import { ENDS_SOON_DAYS } from '../common/durations.js';
import { printable } from '../common/errors.js';
import type { Schema, Schemas } from '../common/schema.js';

/**
 * The events of an application: their types, what each says, and the schema of its data. The API document and the
 * generated types come from here; triggers write the events (migrations 0076-event-messages, 0077-event-devices,
 * 0081-receipt-events and 0083-credential-events).
 */

interface EventKind {
  /** When the event happens. */
  when: string;
  data: Schema;
}

const TEXT: Schema = { type: 'string' };
const COUNT: Schema = { type: 'integer', minimum: 0 };
const object = (properties: Record<string, Schema>, optional: readonly string[] = []): Schema => {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', ...(required.length > 0 && { required }), properties };
};

const APPLICATION = { applicationId: TEXT };
/** The message of an event; label and campaign are absent if the message has none. */
const MESSAGE = { ...APPLICATION, messageId: TEXT, label: TEXT, campaignId: TEXT };
const WITHOUT = ['label', 'campaignId'];
const STATED = object({ ...MESSAGE, state: TEXT }, WITHOUT);
const OUTCOMES = object({
  accepted: COUNT,
  rejected: COUNT,
  failed: COUNT,
  expired: COUNT,
  cancelled: COUNT,
  unknown: COUNT,
});
const ENDED = object({ ...MESSAGE, state: TEXT, audience: COUNT, outcomes: OUTCOMES }, WITHOUT);
const DELIVERIES = object(
  {
    ...MESSAGE,
    provider: TEXT,
    count: { ...COUNT, maximum: 1_000 },
    deliveries: {
      type: 'array',
      maxItems: 1_000,
      items: object({ deviceId: TEXT, reason: TEXT }, ['deviceId', 'reason']),
    },
  },
  WITHOUT,
);
const RECEIPTS = object(
  {
    ...MESSAGE,
    count: { ...COUNT, maximum: 1_000 },
    receipts: { type: 'array', maxItems: 1_000, items: object({ deviceId: TEXT, action: TEXT }, ['action']) },
  },
  WITHOUT,
);
const DEVICE = { ...APPLICATION, deviceId: TEXT, platform: TEXT };
const SUBSCRIPTION = object({ ...DEVICE, tagName: TEXT });
const PROVIDER = object({ ...APPLICATION, provider: TEXT, reason: TEXT }, ['reason']);
const RUN = object(
  { ...APPLICATION, campaignId: TEXT, scheduledAt: { type: 'string', format: 'date-time' }, state: TEXT, reason: TEXT },
  ['reason'],
);

export const EVENTS = {
  'message.accepted': { when: 'A message was accepted.', data: STATED },
  'message.started': { when: 'The first deliveries of a message may leave.', data: STATED },
  'message.paused': { when: 'A message was paused.', data: STATED },
  'message.cancelled': { when: 'A message was cancelled; `message.finished` follows.', data: STATED },
  'message.finished': {
    when: 'Every delivery of a message has its outcome: the last event of a message.',
    data: ENDED,
  },
  'delivery.accepted': { when: 'The provider accepted deliveries.', data: DELIVERIES },
  'delivery.rejected': { when: 'The provider refused devices, for example because the app is gone.', data: DELIVERIES },
  'delivery.failed': { when: 'Deliveries failed, and are not tried again.', data: DELIVERIES },
  'delivery.expired': { when: 'Deliveries were not sent in time.', data: DELIVERIES },
  'delivery.unknown': { when: 'No answer came, and the deliveries are not repeated.', data: DELIVERIES },
  'receipt.displayed': { when: 'Devices displayed a message.', data: RECEIPTS },
  'receipt.opened': { when: 'Users opened a message.', data: RECEIPTS },
  'receipt.dismissed': { when: 'Users dismissed a message.', data: RECEIPTS },
  'receipt.action': { when: 'Users chose an action of a message; `action` is its id.', data: RECEIPTS },
  'device.registered': { when: 'A device was registered, or a retired one registered again.', data: object(DEVICE) },
  'device.changed': { when: 'The token, user or another value of a device changed.', data: object(DEVICE) },
  'device.retired': {
    when: 'Nothing is sent to the device any more; `reason` is `removed` if its registration was deleted.',
    data: object({ ...DEVICE, reason: TEXT }, ['reason']),
  },
  'device.moved': {
    when: 'A token came under another device id; `device.retired` of the earlier id comes beside it.',
    data: object({ ...APPLICATION, deviceId: TEXT, fromDeviceId: TEXT }),
  },
  'subscription.added': { when: 'A device was subscribed to a tag.', data: SUBSCRIPTION },
  'subscription.removed': { when: 'The subscription of a device to a tag ended.', data: SUBSCRIPTION },
  'provider.paused': {
    when: 'Nothing is sent to a provider, for example because credentials are refused.',
    data: PROVIDER,
  },
  'provider.resumed': { when: 'Sending to a provider goes on.', data: PROVIDER },
  'credential.expiring': {
    when: `The credentials of a provider end within ${ENDS_SOON_DAYS} days, or have ended; comes once a day.`,
    data: object({ ...APPLICATION, provider: TEXT, endsAt: { type: 'string', format: 'date-time' } }),
  },
  'campaign.run.started': { when: 'A campaign fired.', data: RUN },
  'campaign.run.finished': { when: 'All messages of a run were accepted, or the run was cancelled.', data: RUN },
  'campaign.run.skipped': { when: 'A firing was left out; `reason` says why.', data: RUN },
} as const satisfies Record<string, EventKind>;
export type EventName = keyof typeof EVENTS;
export const EVENT_NAMES = Object.keys(EVENTS) as EventName[];

/** Of any event, by its `type`. */
export const EVENT = { $ref: getSchemaPath('Event') };

/** The bodies of events: the same in the feed and in the request to a webhook. */
export const EVENT_SCHEMAS: Schemas = {
  Event: {
    oneOf: EVENT_NAMES.map((name) => ({ $ref: getSchemaPath(schemaName(name)) })),
    discriminator: {
      propertyName: 'type',
      mapping: Object.fromEntries(EVENT_NAMES.map((name) => [name, getSchemaPath(schemaName(name))])),
    },
  },
  ...Object.fromEntries(EVENT_NAMES.map((name) => [schemaName(name), bodyOf(name)])),
};

/** The requests to webhooks: Redoc reads them under this name, which OpenAPI calls `webhooks` from 3.1 on. */
export const WEBHOOK_REQUESTS = Object.fromEntries(
  EVENT_NAMES.map((name) => [
    name,
    {
      post: {
        summary: EVENTS[name].when,
        requestBody: { content: { 'application/json': { schema: { $ref: getSchemaPath(schemaName(name)) } } } },
        responses: { 200: { description: 'Any 2xx: the event has arrived' } },
      },
    },
  ]),
);

/** `message.accepted`: MessageAcceptedEvent. */
function schemaName(name: EventName): string {
  return `${name
    .split('.')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('')}Event`;
}

function bodyOf(name: EventName): Schema {
  const { when, data } = EVENTS[name];
  return {
    ...object({
      type: { type: 'string', enum: [name] },
      id: { type: 'string', description: 'The same for every repetition of the event' },
      timestamp: { type: 'string', format: 'date-time', description: 'When it happened' },
      data,
    }),
    description: when,
  };
}

/**
 * Reads `a,b`, where `group.*` is every type of the group and `*` every type of this file, without duplicates. Returns
 * the first unknown word otherwise.
 */
export function readTypes<Type extends string>(text: string, known: readonly Type[]): Type[] | { unknown: string } {
  const types = new Set<Type>();
  for (const word of text.split(',').map((each) => each.trim())) {
    const start = word.endsWith('*') ? word.slice(0, -1) : null;
    const isGroup = start === '' || start?.endsWith('.') === true;
    const found = known.filter((type) => (isGroup ? type.includes('.') && type.startsWith(start) : type === word));
    if (found.length === 0) return { unknown: word };
    for (const type of found) types.add(type);
  }
  return [...types];
}

/** The reason to refuse a list of types. */
export function unknownType(word: string): string {
  return `it must be a list of types of events, separated by commas, and '${printable(word)}' is none`;
}
