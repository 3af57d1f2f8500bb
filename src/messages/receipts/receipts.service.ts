import { Injectable } from '@nestjs/common';
import { ApplicationsService } from '../../applications/applications.service.js';
import { ApiError, notFound } from '../../common/errors.js';
import { Gather } from '../../common/gather.js';
import { SQL_STATE, hasSqlState } from '../../common/sql-state.js';
import { writeTogether } from '../../database/together.js';
import { ReceiptRepository } from './receipt.repository.js';
import type { NewReceipt, ReceiptPlace } from './receipt.repository.js';

/** Receipts per statement. */
const AT_ONCE = 500;

type Settled = PromiseSettledResult<ReceiptPlace>;

/** Records what devices tell about messages. Concurrent requests share a statement, as registrations do. */
@Injectable()
export class ReceiptsService {
  private readonly writes = new Gather<NewReceipt, Settled>((list) => this.writeAll(list), AT_ONCE);

  constructor(
    private readonly applications: ApplicationsService,
    private readonly receipts: ReceiptRepository,
  ) {}

  /** Null for each receipt that is recorded, now or before; otherwise the reason. Throws FPWSE0001E. */
  async record(applicationId: string, receipts: readonly NewReceipt[]): Promise<(ApiError | null)[]> {
    await this.applications.getApplication(applicationId);
    return Promise.all(receipts.map(async (receipt) => refusalOf(await this.writes.add(receipt))));
  }

  private writeAll(list: readonly NewReceipt[]): Promise<Settled[]> {
    return writeTogether(
      list,
      () => this.receipts.add(list),
      async (each) => (await this.receipts.add([each]))[0]!,
    );
  }
}

/** Throws any error but that of a device that is removed at this moment. */
function refusalOf(settled: Settled): ApiError | null {
  if (settled.status === 'rejected') {
    if (hasSqlState(settled.reason, SQL_STATE.foreignKeyViolation)) return notFound('device', 'deviceId');
    throw settled.reason;
  }
  const { hasMessage, hasDevice, reached } = settled.value;
  if (!hasMessage) return notFound('message', 'messageId');
  if (!hasDevice) return notFound('device', 'deviceId');
  return reached ? null : new ApiError('FPWSE0001E', 'Not found: the message has no delivery to this device.');
}
