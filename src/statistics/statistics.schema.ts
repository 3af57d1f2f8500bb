import { TIME } from '../common/schema.js';
import type { Schema } from '../common/schema.js';
import { PROVIDER_NAMES } from '../providers/provider.js';
import { RECEIPTS, SETTLED_NAMES, STEPS } from './points.js';

/** Schema of the answer, for the API document only. */

const COUNT: Schema = { type: 'integer' };

const OUTCOMES: Schema = {
  type: 'object',
  description: 'Deliveries by outcome; an outcome without a change is absent',
  properties: Object.fromEntries(SETTLED_NAMES.map((name) => [name, COUNT])),
};

export const STATISTICS: Schema = {
  type: 'object',
  required: ['from', 'to', 'step', 'serverTime', 'points'],
  properties: {
    from: { ...TIME, description: 'The begin of the first step' },
    to: { ...TIME, description: 'The end of the last step' },
    step: { type: 'string', enum: Object.keys(STEPS) },
    serverTime: TIME,
    points: {
      type: 'array',
      items: {
        type: 'object',
        required: ['time', 'accepted', 'outcomes', 'registrations'],
        properties: {
          time: { ...TIME, description: 'The begin of the step' },
          accepted: { type: 'integer', minimum: 0, description: 'Accepted messages' },
          outcomes: {
            type: 'object',
            description: 'By provider; a provider without a change is absent',
            properties: Object.fromEntries(PROVIDER_NAMES.map((name) => [name, OUTCOMES])),
          },
          registrations: { type: 'integer', minimum: 0, description: 'New devices' },
          receipts: {
            type: 'object',
            description: 'Receipts, each kind of a device and message once; absent if there are none',
            required: [...RECEIPTS],
            properties: Object.fromEntries(RECEIPTS.map((name) => [name, COUNT])),
          },
        },
      },
    },
  },
};
