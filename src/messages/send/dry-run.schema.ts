import { TIME } from '../../common/schema.js';
import type { Schema } from '../../common/schema.js';

/** The answer to a dry run, for the API document only. */
export const DRY_RUN: Schema = {
  type: 'object',
  required: ['dryRun', 'audience', 'excluded', 'sizes', 'blocked', 'warnings', 'expiresTime'],
  properties: {
    dryRun: { type: 'boolean', enum: [true] },
    audience: {
      type: 'object',
      required: ['total', 'providers'],
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
        required: ['platform', 'provider', 'bytes', 'limit'],
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
      items: {
        type: 'object',
        required: ['reason'],
        properties: { provider: { type: 'string' }, reason: { type: 'string' } },
      },
    },
    warnings: { type: 'array', items: { type: 'string' } },
    sendTime: TIME,
    expiresTime: TIME,
  },
};
