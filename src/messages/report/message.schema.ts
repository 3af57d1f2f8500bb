import type { OpenAPIObject } from '@nestjs/swagger';

/** Schemas of answers, for the API document only. */

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Exclude<Schemas[string], { $ref: string }>;

export const TIME: Schema = { type: 'string', format: 'date-time' };

export const OUTCOMES: Schema = {
  type: 'object',
  description: 'pending, inFlight, accepted, rejected, failed, expired, cancelled, unknown: their sum is the audience',
  additionalProperties: { type: 'integer' },
};

export const STATES = [
  'scheduled',
  'accepted',
  'expanding',
  'sending',
  'paused',
  'finished',
  'cancelled',
  'expired',
] as const;

export const MESSAGE: Record<string, Schema> = {
  messageId: { type: 'string' },
  alert: { type: 'string' },
  label: { type: 'string' },
  state: { type: 'string', enum: [...STATES] },
  audience: { type: 'integer' },
  outcomes: OUTCOMES,
  acceptedTime: TIME,
  sendTime: { ...TIME, description: 'Time of sending; absent: at once' },
  expiresTime: TIME,
  finishedTime: TIME,
  resendOf: { type: 'string', description: 'The original, if this message is a resend' },
  clientId: { type: 'string', description: 'The client that sent the message or created its campaign' },
};
export const MESSAGE_REQUIRED = [
  'messageId',
  'alert',
  'state',
  'audience',
  'outcomes',
  'acceptedTime',
  'expiresTime',
  'clientId',
];

export const FULL_MESSAGE: Record<string, Schema> = {
  ...MESSAGE,
  providers: { type: 'object', description: 'The outcomes by provider', additionalProperties: OUTCOMES },
  firstTime: { ...TIME, description: 'Time of the first delivery' },
  lastTime: { ...TIME, description: 'Time of the last recorded outcome' },
  rate: { type: 'number', description: 'Deliveries settled per second between `firstTime` and `lastTime`' },
  etaTime: { ...TIME, description: 'While the message is being sent: its estimated end at that rate' },
  upstream: {
    type: 'object',
    description:
      'The request to the upstream, if the message or a part is relayed. The request counts as one delivery, because only the upstream knows the number of devices',
    required: ['outcome'],
    properties: {
      outcome: { type: 'string' },
      messageId: { type: 'string', description: 'The upstream’s id of the message' },
      reason: { type: 'string', description: 'The last error, if the upstream did not accept the request' },
    },
  },
  resends: { type: 'array', items: { type: 'string' }, description: 'Ids of the resends of this message' },
};

export const DELIVERY: Record<string, Schema> = {
  provider: { type: 'string' },
  outcome: { type: 'string' },
  reason: { type: 'string', description: 'The provider’s reason for the last failure' },
  attempts: { type: 'integer', description: 'How many times the delivery was sent' },
  retryTime: { ...TIME, description: 'Time of the next try' },
};

export const NEXT: Schema = {
  type: 'string',
  description: '`after` of the next page; absent on the last page',
};

export const DRY_RUN: Schema = {
  type: 'object',
  properties: {
    dryRun: { type: 'boolean', enum: [true] },
    audience: {
      type: 'object',
      description: 'Devices that would get the message from this server',
      properties: {
        total: {
          type: 'integer',
          nullable: true,
          description: 'Null if a part is relayed, because only the upstream knows the number of its devices',
        },
        providers: { type: 'object', additionalProperties: { type: 'integer' } },
      },
    },
    upstream: {
      type: 'object',
      description: 'Absent unless the message or a part would be relayed to the upstream',
      required: ['whole'],
      properties: {
        whole: { type: 'boolean', description: 'True: nothing would be sent from this server' },
        ids: { type: 'integer', description: 'For a target of device or user ids: how many would be relayed' },
        of: { type: 'integer', description: 'Number of ids in the target' },
      },
    },
    excluded: {
      type: 'object',
      description: 'Number of devices in the target that would get nothing, by reason',
      additionalProperties: { type: 'integer' },
    },
    sizes: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          platform: { type: 'string' },
          provider: { type: 'string' },
          bytes: { type: 'integer' },
          limit: { type: 'integer' },
        },
      },
    },
    blocked: {
      type: 'array',
      description: 'Reasons why the message would not be sent',
      items: { type: 'object', properties: { provider: { type: 'string' }, reason: { type: 'string' } } },
    },
    warnings: { type: 'array', items: { type: 'string' } },
    sendTime: TIME,
    expiresTime: TIME,
  },
};
