import type { OpenAPIObject } from '@nestjs/swagger';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

/** A schema in the API document, written out. */
export type Schema = Exclude<Schemas[string], { $ref: string }>;

export const TIME: Schema = { type: 'string', format: 'date-time' };
