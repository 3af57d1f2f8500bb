import { Body, Controller, HttpCode, Param, Post, Put, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { DeliveryOfToken } from '../../applications/receipt-token.js';
import { checkOwn } from '../../auth/calling-devices.js';
import type { CallingDevice } from '../../auth/calling-devices.js';
import { AllowDevice, ByDevice, RequireScope } from '../../auth/scope.guard.js';
import { BodyPipe, StrictBodyPipe } from '../../common/body.js';
import { ApiError, invalidValue } from '../../common/errors.js';
import { isGiven } from '../../common/lenient.js';
import { namesOf } from './receipt-kinds.js';
import { ByDelivery, ReceiptGuard } from './receipt.guard.js';
import { MessageStatusDto, ReceiptDto, ReceiptLotAnswer, ReceiptLotDto } from './receipt.dto.js';
import type { NewReceipt } from './receipt.repository.js';
import { ReceiptsService } from './receipts.service.js';

const SCOPE = 'receipts.write';
const WHAT =
  'Each kind of a device and message is counted once. `opened`, `dismissed` and `action` count as `displayed` too. Receipts never change the outcome of a delivery.';
const NONE = 'Unknown application, message or device, or the message has no delivery to the device';

/** Extension: the receipts of devices. */
@ApiTags('Messages')
@Controller('imfpush/v1/apps/:applicationId/messages/:messageId')
@UseGuards(ReceiptGuard)
export class ReceiptsController {
  constructor(private readonly receipts: ReceiptsService) {}

  @Post('receipts')
  @HttpCode(204)
  @AllowDevice()
  @RequireScope(SCOPE)
  @ApiOperation({
    summary:
      'Record that a device displayed, opened or dismissed a message, or that its user chose an action (extension)',
    description: `${WHAT} A device calls with its device token, or with the \`receiptToken\` that came with the message.`,
  })
  @ApiResponse({ status: 204, description: 'Recorded, now or before' })
  @ApiResponse({ status: 400, description: 'FPWSE0005E: `message` names the field and the reason' })
  @ApiResponse({ status: 404, description: NONE })
  async add(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
    @Body(new StrictBodyPipe(ReceiptDto)) body: ReceiptDto,
    @ByDevice() caller: CallingDevice | undefined,
    @ByDelivery() delivery?: DeliveryOfToken,
  ): Promise<void> {
    const receipt = toReceipt({ applicationId, messageId }, body, caller, delivery);
    const [refusal] = await this.receipts.record(applicationId, [receipt]);
    if (refusal) throw refusal;
  }

  @Post('receipts/bulk')
  @HttpCode(200)
  @AllowDevice()
  @RequireScope(SCOPE)
  @ApiOperation({
    summary: 'Record up to 1000 receipts for a message (extension)',
    description: `${WHAT} A receipt that is refused is named by its index; the others are recorded.`,
  })
  @ApiResponse({ status: 200, type: ReceiptLotAnswer })
  @ApiResponse({ status: 400, description: 'FPWSE0005E: `message` names the field and the reason' })
  @ApiResponse({ status: 404, description: 'Unknown application' })
  async addAll(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
    @Body(new StrictBodyPipe(ReceiptLotDto)) { receipts }: ReceiptLotDto,
    @ByDevice() caller: CallingDevice | undefined,
    @ByDelivery() delivery: DeliveryOfToken | undefined,
  ): Promise<ReceiptLotAnswer> {
    const results = await this.receipts.record(
      applicationId,
      receipts.map((each, index) =>
        toReceipt({ applicationId, messageId }, each, caller, delivery, `receipts.${index}.`),
      ),
    );
    const refused = results.flatMap((each, index) => (each ? [{ index, code: each.code, message: each.message }] : []));
    return { recorded: results.length - refused.length, refused };
  }

  @Put()
  @HttpCode(204)
  @AllowDevice()
  @RequireScope(SCOPE)
  @ApiOperation({
    summary: 'Record that a device displayed or opened a message, as the SDKs of IBM’s cloud service do (extension)',
    description: WHAT,
  })
  @ApiResponse({ status: 204, description: 'Recorded, now or before' })
  @ApiResponse({ status: 404, description: NONE })
  async note(
    @Param('applicationId') applicationId: string,
    @Param('messageId') messageId: string,
    @Body(new BodyPipe(MessageStatusDto)) { deviceId, status }: MessageStatusDto,
    @ByDevice() caller: CallingDevice | undefined,
    @ByDelivery() delivery: DeliveryOfToken | undefined,
  ): Promise<void> {
    const kind = status === 'OPEN' ? 'opened' : 'displayed';
    return this.add(applicationId, messageId, { deviceId, kind }, caller, delivery);
  }
}

function toReceipt(
  of: Pick<NewReceipt, 'applicationId' | 'messageId'>,
  { deviceId, kind, action }: ReceiptDto,
  caller: CallingDevice | undefined,
  delivery: DeliveryOfToken | undefined,
  place = '',
): NewReceipt {
  const id = isGiven(deviceId) ? deviceId : caller?.deviceId;
  if (delivery && id !== undefined)
    throw new ApiError('CARIL0403E', 'A receipt token names its device itself: omit deviceId.');
  if (!delivery && id === undefined) throw invalidValue(`${place}deviceId`, 'it is required from a client');
  checkOwn(caller, id);
  if (isGiven(action) !== (kind === 'action'))
    throw invalidValue(`${place}action`, 'it belongs to the kind action, and that kind needs it');
  return { ...of, by: delivery ?? { deviceId: id ?? '' }, names: namesOf(kind, action) };
}
