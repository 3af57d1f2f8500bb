import { ArrayMaxSize, ArrayNotEmpty, IsIn, IsOptional, IsString, Length } from 'class-validator';
import { NestedList } from '../../common/fields.js';
import { RECEIPT_KINDS } from './receipt-kinds.js';
import type { ReceiptKind } from './receipt-kinds.js';

const MAX_ID = 255;
const MAX_ACTION = 64;
const MOST = 1_000;

export class ReceiptDto {
  /**
   * Required from a client; a device may leave out its own id.
   * @example anna-phone
   */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_ID, { message: `it must be 1 to ${MAX_ID} characters` })
  deviceId?: string;

  /**
   * Every kind tells that the message was displayed.
   * @example opened
   */
  @IsIn(RECEIPT_KINDS, { message: `it must be one of ${RECEIPT_KINDS.join(', ')}` })
  kind!: ReceiptKind;

  /** With the kind `action`: the id of the button or reply in the app. */
  @IsOptional()
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_ACTION, { message: `it must be 1 to ${MAX_ACTION} characters` })
  action?: string;
}

/** Several receipts for one message. */
export class ReceiptLotDto {
  @ArrayMaxSize(MOST, { message: `it must have at most ${MOST} receipts` })
  @ArrayNotEmpty({ message: 'it must have at least one receipt' })
  @NestedList(() => ReceiptDto)
  receipts!: ReceiptDto[];
}

/** As the SDKs of IBM's cloud service send it. */
export class MessageStatusDto {
  /** @example anna-phone */
  @IsString({ message: 'it must be a string' })
  @Length(1, MAX_ID, { message: `it must be 1 to ${MAX_ID} characters` })
  deviceId!: string;

  /**
   * `SEEN` is the receipt `displayed`, `OPEN` is `opened`.
   * @example OPEN
   */
  @IsIn(['SEEN', 'OPEN'], { message: 'it must be SEEN or OPEN' })
  status!: 'SEEN' | 'OPEN';
}

export class RefusedReceiptAnswer {
  /** Place in the list, from 0. */
  index!: number;
  code!: string;
  message!: string;
}

export class ReceiptLotAnswer {
  /** Number of receipts that are recorded, now or before. */
  recorded!: number;
  refused!: RefusedReceiptAnswer[];
}
