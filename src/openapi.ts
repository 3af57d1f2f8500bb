import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { Schema, Schemas } from './common/schema.js';
import { CONFIG } from './common/tokens.js';
import type { Config } from './config.js';
import { EVENT_SCHEMAS, WEBHOOK_REQUESTS } from './events/event-types.js';
import { ERROR_SCHEMAS, addAnswers } from './openapi-answers.js';
import { addExamples } from './openapi-examples.js';
import { addRules } from './openapi-rules.js';
import { SAMPLE_APPLICATION } from './sample/sample-application.js';
import { VERSION } from './version.js';

const DESCRIPTION = `Push notifications over the MobileFirst 8.0 wire. Obtain a token, then send with it.

Operations that MobileFirst does not have are marked \`x-extension: true\`, with "(extension)" in the summary. Errors are
\`{"code","message"}\`, at the token endpoint those of RFC 6749. Messages are English for every \`Accept-Language\`.

A field with null counts as omitted, and no text may contain NUL. A schema without \`additionalProperties: false\` is of a
body whose unknown fields are ignored.`;

/** The groups, in the order in which a newcomer needs them. */
const GROUPS = {
  Authorization: 'Obtain, check and revoke access tokens',
  Messages: 'Send messages, follow and stop them',
  Devices: 'Register, find, import and export devices',
  Tags: 'Topics that devices subscribe to',
  Subscriptions: 'Which device is subscribed to which tag',
  Audiences: 'Count the devices of a target, and save targets under a name',
  Campaigns: 'Messages on a schedule, and their runs',
  Applications: 'The apps that receive messages',
  Settings: 'Credentials of the providers, by application',
  Statistics: 'Read accepted messages, outcomes and registrations over time',
  Providers: 'The state of an application at each provider',
  Users: 'The data kept about one user',
  Webhooks: 'Events that are posted to a backend',
  Events: 'Events that a backend reads',
  Administration: 'Confidential clients, signing keys and the audit',
  Health: 'Probes for orchestrators',
};

/** Marks the summary of an operation that MobileFirst does not have. */
const EXTENSION = /\(extension\)$/;

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;
type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** Served outside of the routes and their guards. */
const DOCUMENT_PATH = '/imfpush/v1/swagger.json';
const THIS: Operation = {
  operationId: 'readDocument',
  summary: 'This document',
  tags: ['Health'],
  responses: {
    200: {
      description: '',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['openapi', 'info', 'paths'],
            properties: {
              openapi: { type: 'string' },
              info: { type: 'object', additionalProperties: true },
              paths: { type: 'object', additionalProperties: true },
            },
          },
        },
      },
    },
  },
};

/** Builds the document from the routes, and adds the parts that follow from their paths, guards and rules. */
export function buildDocument(app: NestFastifyApplication): OpenAPIObject {
  const outline = new DocumentBuilder()
    .setTitle('Carillon')
    .setDescription(DESCRIPTION)
    .setVersion(VERSION)
    .addBearerAuth()
    .addBasicAuth();
  for (const [name, description] of Object.entries(GROUPS)) outline.addTag(name, description);
  const document = SwaggerModule.createDocument(app, outline.build());
  const schemas: Schemas = { ...document.components?.schemas, ...ERROR_SCHEMAS, ...EVENT_SCHEMAS };
  addRules(app, schemas);
  for (const schema of Object.values(schemas)) markTimes(schema);
  document.components = { ...document.components, schemas };
  document.paths[DOCUMENT_PATH] = { get: THIS };
  Object.assign(document, { 'x-webhooks': WEBHOOK_REQUESTS });
  const operations: Operation[] = [];
  for (const [path, item] of Object.entries(document.paths))
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      if (EXTENSION.test(operation.summary ?? '')) Object.assign(operation, { 'x-extension': true });
      addAnswers(path, operation);
      addExamples(operation, schemas);
      operations.push(operation);
    }
  const { runtimeName } = app.get<Pick<Config, 'runtimeName'>>(CONFIG);
  document.components.securitySchemes = {
    oauth2: {
      type: 'oauth2',
      description: 'Id and secret of a confidential client',
      flows: { clientCredentials: { tokenUrl: `/${runtimeName}/api/az/v1/token`, scopes: scopesOf(operations) } },
    },
    ...document.components.securitySchemes,
  };
  return document;
}

/** Every scope element that an operation requires, with the groups that it opens. */
function scopesOf(operations: readonly Operation[]): Record<string, string> {
  const groups = new Map<string, Set<string>>();
  for (const { security = [], tags = [] } of operations)
    for (const element of security.flatMap(({ oauth2 = [] }) => oauth2)) {
      const known = groups.get(element) ?? new Set();
      groups.set(element, known);
      for (const tag of tags) known.add(tag);
    }
  return {
    [`push.application.${SAMPLE_APPLICATION}`]: 'The application; every call about it requires its element too',
    'push.application.*': 'All applications',
    ...Object.fromEntries(
      [...groups].sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, tags]) => [name, [...tags].join(', ')]),
    ),
  };
}

/** Times are ISO 8601 everywhere, in fields whose names end in `Time`. */
function markTimes(schema: Schemas[string]): void {
  if ('$ref' in schema) return;
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (!('$ref' in field) && field.type === 'string' && name.endsWith('Time')) field.format ??= 'date-time';
    markTimes(field);
  }
  const items: Schema | { $ref: string } | undefined = schema.items;
  if (items) markTimes(items);
}
