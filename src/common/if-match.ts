import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiResponse } from '@nestjs/swagger';

/** Documents the header by which the second of two editors of the named resource is refused (revision.ts). */
export const IfMatch = (resource: string): MethodDecorator =>
  applyDecorators(
    ApiHeader({ name: 'If-Match', required: false, description: 'The `ETag` of the revision that is changed' }),
    ApiResponse({ status: 412, description: `CARIL0412E: the revision of the ${resource} is another one` }),
  );
