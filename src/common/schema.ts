import { SetMetadata } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';

export type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

/** A schema in the API document, written out. */
export type Schema = Exclude<Schemas[string], { $ref: string }>;

export const TIME: Schema = { type: 'string', format: 'date-time' };

/** Metadata of a class. */
export const WITH_SCHEMA = Symbol('with schema');

/** Adds rules of the reader to the schema of a class, where no decorator of a field can tell them. */
export const WithSchema = (part: Partial<Schema>): ClassDecorator => SetMetadata(WITH_SCHEMA, part);
