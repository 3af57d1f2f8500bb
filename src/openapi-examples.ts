import type { OpenAPIObject } from '@nestjs/swagger';
import type { Schema, Schemas } from './common/schema.js';

/**
 * Examples that work when pasted, for the sample application of a development start: of each body, composed from the
 * examples of its fields, and of each required parameter. test/e2e/examples.spec.ts sends all of them.
 */

/** By the parameter's name. Ids that the server chooses are in their form only: replace them by one of an answer. */
const PARAMETERS: Readonly<Record<string, string>> = {
  runtimeName: 'mfp',
  applicationId: 'com.example.app',
  from: '2027-03-01T00:00:00Z',
  to: '2027-04-01T00:00:00Z',
  deviceId: 'anna-phone',
  userId: 'anna',
  tagName: 'news',
  subscriptionId: '01a0b7c4-5a3e-7c1d-8f00-2b6d9e4c7a10',
  messageId: '01a0b7c4-5a3e-7c1d-8f00-2b6d9e4c7a11',
  campaignId: '01a0b7c4-5a3e-7c1d-8f00-2b6d9e4c7a12',
  runId: '1',
  provider: 'sandbox',
  clientId: 'backend',
  name: 'crm',
};

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

export function addExamples({ parameters = [], requestBody }: Operation, schemas: Schemas): void {
  for (const parameter of parameters) {
    if ('$ref' in parameter) continue;
    // Text, unless a decorator says otherwise.
    if (Object.keys(parameter.schema ?? {}).length === 0) parameter.schema = { type: 'string' };
    if (parameter.required) parameter.example ??= PARAMETERS[parameter.name];
  }
  if (!requestBody || '$ref' in requestBody) return;
  for (const media of Object.values(requestBody.content))
    if (media.schema && !media.examples) media.example ??= exampleOf(media.schema, schemas);
}

type Part = Schema | { $ref: string };

/** Undefined if no field, or not every required field, has an example. */
function exampleOf(part: Part, schemas: Schemas): unknown {
  const schema = '$ref' in part ? schemas[part.$ref.split('/').at(-1) ?? ''] : part;
  if (!schema || '$ref' in schema) return undefined;
  if (schema.example !== undefined) return schema.example;
  const same = schema.allOf?.[0] ?? schema.oneOf?.[0];
  if (same) return exampleOf(same, schemas);
  const item = schema.items && exampleOf(schema.items, schemas);
  if (item !== undefined) return [item];
  const fields = Object.entries(schema.properties ?? {})
    .map(([name, field]) => [name, exampleOf(field, schemas)] as const)
    .filter(([, value]) => value !== undefined);
  const whole = (schema.required ?? []).every((name) => fields.some(([given]) => given === name));
  return whole && fields.length > 0 ? Object.fromEntries(fields) : undefined;
}
