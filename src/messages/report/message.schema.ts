import { TIME } from '../../common/schema.js';
import type { Schema } from '../../common/schema.js';
import { OUTCOME_NAMES } from '../../delivery/outcome.js';

/** Schemas of answers, for the API document only. */

export const OUTCOMES = {
  type: 'object' as const,
  description: 'Number of deliveries by outcome; their sum is the audience',
  properties: Object.fromEntries(OUTCOME_NAMES.map((name) => [name, { type: 'integer' as const, minimum: 0 }])),
  required: [...OUTCOME_NAMES] as string[],
} satisfies Schema;

export const STATES = [
  'awaitingApproval',
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
  testOf: { type: 'string', description: 'Extension, of a test: the id of the campaign; a test is no run of it' },
  state: { type: 'string', enum: [...STATES] },
  audience: { type: 'integer' },
  outcomes: OUTCOMES,
  acceptedTime: TIME,
  approvedBy: { type: 'string', description: 'Extension: the client or person that approved the message' },
  sendTime: { ...TIME, description: 'Time of sending; absent: at once' },
  expiresTime: TIME,
  finishedTime: TIME,
  resendOf: { type: 'string', description: 'The original, if this message is a resend' },
  clientId: { type: 'string', description: 'The client that sent the message or created its campaign' },
  campaignId: { type: 'string', description: 'The campaign that made the message; absent if a client sent it' },
  runId: { type: 'integer', description: 'The run of the campaign' },
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

const WAITING_FOR: Schema = {
  type: 'object',
  description:
    'The cause that holds up a message that has not ended. `person`: a person paused the message, stopped its application, or has to approve the message (`act`, `by`). `time`: its time of sending. `worker`: no process with the role `worker` has run for 60 s. `provider`: the provider is paused, with the reason. `quietHours`: those of its campaign. `pace`: the rate that the provider allows, or nothing at all until `untilTime`. `rate`: that of its campaign. `retry`: the next try of its open deliveries.',
  required: ['kind'],
  properties: {
    kind: { type: 'string', enum: ['person', 'time', 'worker', 'provider', 'quietHours', 'pace', 'rate', 'retry'] },
    act: { type: 'string', enum: ['approval', 'messagePaused', 'applicationStopped'] },
    by: { type: 'string', description: 'The client that stopped the application' },
    provider: { type: 'string' },
    reason: { type: 'string', description: 'Why the provider is paused' },
    perSecond: { type: 'number', description: 'Deliveries per second' },
    sinceTime: TIME,
    untilTime: TIME,
    nextTryTime: { ...TIME, description: 'When a single delivery tries whether the provider takes it again' },
  },
};

export const FULL_MESSAGE: Record<string, Schema> = {
  ...MESSAGE,
  providers: { type: 'object', description: 'The outcomes by provider', additionalProperties: OUTCOMES },
  firstTime: { ...TIME, description: 'Time of the first delivery' },
  lastTime: { ...TIME, description: 'Time of the last recorded outcome' },
  rate: { type: 'number', description: 'Deliveries settled per second between `firstTime` and `lastTime`' },
  etaTime: { ...TIME, description: 'While the message is being sent: its estimated end at that rate' },
  waitingFor: WAITING_FOR,
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
