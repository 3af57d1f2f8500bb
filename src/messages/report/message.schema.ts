import type { OpenAPIObject } from '@nestjs/swagger';

/** Parts of the answers, for the document alone. */

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Exclude<Schemas[string], { $ref: string }>;

export const TIME: Schema = { type: 'string', format: 'date-time' };

export const OUTCOMES: Schema = {
  type: 'object',
  description: 'pending, inFlight, accepted, rejected, failed, expired, cancelled, unknown: they sum to the audience',
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
  sendTime: { ...TIME, description: 'When it leaves, or left; absent: at once' },
  expiresTime: TIME,
  finishedTime: TIME,
  resendOf: { type: 'string', description: 'The message that this one repeats some deliveries of' },
  clientId: { type: 'string', description: 'The client that sent it, or made its campaign' },
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
  providers: { type: 'object', description: 'The same by provider', additionalProperties: OUTCOMES },
  firstTime: { ...TIME, description: 'When the first delivery was written' },
  lastTime: { ...TIME, description: 'When something was last recorded' },
  rate: { type: 'number', description: 'Deliveries settled a second, between the two' },
  etaTime: { ...TIME, description: 'While it is sent: when it will have ended at that rate' },
  upstream: {
    type: 'object',
    description:
      'The request to the upstream, when the message or a part of it is relayed. It counts as one delivery: whom it reaches, the upstream knows',
    required: ['outcome'],
    properties: {
      outcome: { type: 'string' },
      messageId: { type: 'string', description: 'The upstream’s id of the message' },
      reason: { type: 'string', description: 'The last trouble, when it was not accepted' },
    },
  },
  resends: { type: 'array', items: { type: 'string' }, description: 'Messages that repeat some of this one' },
};

export const DELIVERY: Record<string, Schema> = {
  provider: { type: 'string' },
  outcome: { type: 'string' },
  reason: { type: 'string', description: 'The provider’s own word for the last trouble' },
  attempts: { type: 'integer', description: 'Times it was written' },
  retryTime: { ...TIME, description: 'When it is tried again' },
};

export const NEXT: Schema = {
  type: 'string',
  description: '`after` of the next page; absent on the last',
};

export const DRY_RUN: Schema = {
  type: 'object',
  properties: {
    dryRun: { type: 'boolean', enum: [true] },
    audience: {
      type: 'object',
      description: 'Devices that would get it from here',
      properties: {
        total: {
          type: 'integer',
          nullable: true,
          description: 'Null when some get it through the upstream: how many, only the upstream knows',
        },
        providers: { type: 'object', additionalProperties: { type: 'integer' } },
      },
    },
    upstream: {
      type: 'object',
      description: 'Absent unless the message or a part of it would be handed to the upstream',
      required: ['whole'],
      properties: {
        whole: { type: 'boolean', description: 'Nothing of it would leave from here' },
        ids: { type: 'integer', description: 'Of a target of device or user ids: how many would be handed over' },
        of: { type: 'integer', description: 'Of so many ids' },
      },
    },
    excluded: {
      type: 'object',
      description: 'Devices that the target means and that would get nothing, by reason',
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
      description: 'What would stop it',
      items: { type: 'object', properties: { provider: { type: 'string' }, reason: { type: 'string' } } },
    },
    warnings: { type: 'array', items: { type: 'string' } },
    sendTime: TIME,
    expiresTime: TIME,
  },
};
