import { SetMetadata, applyDecorators } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';

/** Marks in the metadata of a route, and in the API document. */
export const MAY_LAG = Symbol('may lag');
export const LAG_EXTENSION = 'x-may-lag';

/** The header with the time up to which an answer from a standby is complete (RFC 3339). */
export const AS_OF = 'Carillon-Read-As-Of';

/**
 * The route may be answered from a standby (DATABASE_READ_URL). Only for routes that read, and on whose answer nothing
 * in this process decides.
 */
export function MayLag(): MethodDecorator {
  return applyDecorators(SetMetadata(MAY_LAG, true), ApiExtension(LAG_EXTENSION, true));
}
