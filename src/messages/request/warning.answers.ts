import { ApiProperty, getSchemaPath } from '@nestjs/swagger';
import { WARNING_CODES } from './warning.js';
import type { Warning } from './warning.js';

export class WarningAnswer implements Warning {
  @ApiProperty({
    enum: WARNING_CODES,
    description:
      '`unknownField`: the field is ignored. `noSms`: only the push is sent. `unsupportedPlatform`: nothing is sent to the platform in `ids`. `emptyList`: the list is ignored, and the message goes to all devices of the platforms. `unregisteredIds`, `retiredIds`: no device, or only retired ones, for `count` ids of the field. `undivided`: the upstream gets the whole message. `relayed`: the upstream gets the whole message, or `count` of its `of` ids. `expiresFirst`: by the estimate the message expires before all its deliveries are sent. `awaitsApproval`: another client or person has to approve. `concurrentRun`: an earlier run has not ended.',
  })
  code!: Warning['code'];
  /** The same text as in `warnings`. */
  message!: string;
  /** The field of the request. */
  field?: string;
  /** The first ten. */
  ids?: string[];
  @ApiProperty({ type: 'integer' })
  count?: number;
  @ApiProperty({ type: 'integer' })
  of?: number;
}

/** Members of the schema of an answer that may have warnings. */
export const WARNED = {
  warnings: { type: 'array', items: { type: 'string' } },
  warningDetails: { type: 'array', items: { $ref: getSchemaPath(WarningAnswer) } },
} as const;
