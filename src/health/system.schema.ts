import { TIME } from '../common/schema.js';
import type { Schema } from '../common/schema.js';
import { PROBLEM_CODES } from './problems.js';

/** Schema of the answer, for the API document only. */

const COUNT: Schema = { type: 'integer', minimum: 0 };

const PROCESS: Schema = {
  type: 'object',
  required: [
    'id',
    'name',
    'roles',
    'version',
    'host',
    'zoneRules',
    'clockAheadMs',
    'startedTime',
    'lastSeenTime',
    'state',
  ],
  properties: {
    id: { type: 'string', description: 'Another one after each start' },
    name: { type: 'string', example: 'worker 2' },
    roles: { type: 'array', items: { type: 'string', enum: ['api', 'worker', 'scheduler'] } },
    version: { type: 'string' },
    host: { type: 'string' },
    zoneRules: {
      type: 'string',
      nullable: true,
      example: '2025c',
      description: 'Version of the time zone rules of its Node; null: of an older release',
    },
    clockAheadMs: {
      type: 'number',
      nullable: true,
      description: 'How far the clock of its host is ahead of the database’s; below zero: behind',
    },
    startedTime: TIME,
    lastSeenTime: TIME,
    state: {
      type: 'string',
      enum: ['running', 'lost'],
      description: '`lost`: not seen for 15 s without a stop in order; listed for an hour',
    },
  },
};

const PROBLEM: Schema = {
  type: 'object',
  required: ['code', 'message', 'since', 'application', 'provider', 'name', 'reason', 'endsTime', 'next'],
  properties: {
    code: { type: 'string', enum: [...PROBLEM_CODES] },
    message: { type: 'string' },
    since: { ...TIME, nullable: true, description: 'Null: not known' },
    application: { type: 'string', nullable: true },
    provider: { type: 'string', nullable: true },
    name: {
      type: 'string',
      nullable: true,
      description:
        'Of the client, the webhook, the role, the process, the receiver, or the person or client that stopped the application',
    },
    reason: {
      type: 'string',
      nullable: true,
      description: 'In the words of the provider, the endpoint or the receiver',
    },
    endsTime: { ...TIME, nullable: true, description: 'Of a credential, a secret or a certificate' },
    next: { type: 'string', description: 'The next step for a person' },
  },
};

export const SYSTEM: Schema = {
  type: 'object',
  required: [
    'serverTime',
    'version',
    'processes',
    'queue',
    'oldestPending',
    'migrations',
    'retention',
    'audit',
    'problems',
  ],
  properties: {
    serverTime: TIME,
    version: { type: 'string', description: 'Of the process that answers' },
    processes: { type: 'array', items: PROCESS },
    queue: {
      type: 'array',
      nullable: true,
      description: 'The jobs of each queue; null while the queue is unavailable',
      items: {
        type: 'object',
        required: ['name', 'waiting', 'active', 'delayed'],
        properties: { name: { type: 'string' }, waiting: COUNT, active: COUNT, delayed: COUNT },
      },
    },
    oldestPending: {
      type: 'array',
      description: 'By provider, since when the oldest delivery is due and not sent',
      items: {
        type: 'object',
        required: ['provider', 'since', 'seconds'],
        properties: { provider: { type: 'string' }, since: TIME, seconds: COUNT },
      },
    },
    migrations: {
      type: 'object',
      required: ['applied', 'pending'],
      properties: { applied: COUNT, pending: COUNT },
    },
    retention: {
      type: 'object',
      description:
        'Days after which rows are removed, by the settings of the process that answers; 0: never, of webhook events: at once',
      required: ['messageDays', 'deviceUnseenDays', 'deviceRetiredDays', 'webhookEventDays'],
      properties: { messageDays: COUNT, deviceUnseenDays: COUNT, deviceRetiredDays: COUNT, webhookEventDays: COUNT },
    },
    audit: {
      type: 'object',
      description: 'How far the receiver of the audit (AUDIT_SYSLOG_URL, AUDIT_FILE) is behind',
      required: ['receiver', 'behind', 'oldestTime', 'error'],
      properties: {
        receiver: { type: 'string', nullable: true, enum: ['syslog', 'file', null] },
        behind: { ...COUNT, description: 'Events that the receiver does not have yet' },
        oldestTime: { ...TIME, nullable: true, description: 'Of the oldest of them' },
        error: { type: 'string', nullable: true, description: 'Of the last try' },
      },
    },
    problems: { type: 'array', description: 'At most 100 of each code', items: PROBLEM },
  },
};
