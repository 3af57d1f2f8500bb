import { Injectable } from '@nestjs/common';
import type { FoundApplication } from '../../applications/application.repository.js';
import { ApiError } from '../../common/errors.js';
import { AudienceRepository } from '../../devices/audience.repository.js';
import type { Warning } from '../request/warning.js';
import type { Acceptable } from './new-message.js';

const AWAITS: Warning = {
  code: 'awaitsApproval',
  message:
    'The message goes to more devices than the application sends to without approval: it waits for the approval of another client or person.',
};

/** Holds messages that need the approval of a second client or person. */
@Injectable()
export class ApprovalsService {
  constructor(private readonly audience: AudienceRepository) {}

  /**
   * The message as it is kept: if it needs approval, without batches, to be expanded after the approval. Costs nothing
   * in an application without approval. Throws CARIL0409E for a message that needs approval and is relayed.
   */
  async hold<A extends Acceptable & { warnings: Warning[] }>(application: FoundApplication, given: A): Promise<A> {
    const above = application.approvalAbove;
    if (above === null || !(await this.exceeds(given, above))) return given;
    if (given.message.notification.relay)
      throw new ApiError(
        'CARIL0409E',
        `A message to more than ${above} devices needs approval, and a message for the upstream cannot wait for it.`,
      );
    const message = { ...given.message, awaitsApproval: true };
    return { ...given, message, batches: null, warnings: [...given.warnings, AWAITS] };
  }

  /** The number of devices at the upstream is unknown; each id counts as one, and a target without ids as too many. */
  private async exceeds({ message, batches }: Acceptable, above: number): Promise<boolean> {
    const { applicationId, target, notification } = message;
    if (notification.relay) {
      const asked = notification.relay.target as { deviceIds?: unknown[]; userIds?: unknown[] } | undefined;
      const ids = asked?.deviceIds ?? asked?.userIds;
      if (!ids || ids.length > above) return true;
    }
    if (batches) return batches.reduce((sum, { deviceSeqs }) => sum + deviceSeqs.length, 0) > above;
    return this.audience.exceeds(applicationId, target, above);
  }
}
