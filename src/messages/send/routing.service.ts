import { Injectable } from '@nestjs/common';
import type { FoundApplication } from '../../applications/application.repository.js';
import { ApiError, invalidValue } from '../../common/errors.js';
import { Gather } from '../../common/gather.js';
import { isJsonObject } from '../../common/json.js';
import type { Target } from '../../database/tables.js';
import { RegisteredRepository } from '../../devices/registered.repository.js';
import type { AskedTarget, RegisteredId } from '../../devices/registered.repository.js';
import { isInShare, isRelayed, readRoute, relayBody } from '../../providers/upstream/upstream.route.js';
import type { PreparedMessage } from '../request/prepare.js';
import { FEW_IDS, REQUESTS_AT_ONCE } from './audience.service.js';
import { CONDITIONS } from '../request/device-conditions.js';
import { targetOf } from '../request/target.js';
import type { Warning } from '../request/warning.js';

/** How a message is divided: the recipients here, and the request to the upstream. */
export interface WayOut {
  /** Null: no recipients here. */
  direct: Target | null;
  /** Absent: nothing is relayed. */
  relay?: Record<string, unknown>;
  warnings: Warning[];
}

/**
 * Chooses the way out when a message is accepted; a later change of the mode does not affect it. No recipient is on
 * both ways. A message that cannot be divided by ids goes one way as a whole, because neither side can leave out the
 * recipients of the other.
 */
@Injectable()
export class RoutingService {
  private readonly lookUps: Gather<AskedTarget, RegisteredId[]>;

  constructor(private readonly registered: RegisteredRepository) {
    this.lookUps = new Gather((asked) => registered.listRegistered(asked), REQUESTS_AT_ONCE);
  }

  /**
   * `via`: the request's header of this name. Throws CARIL0409E if a relayed message would be relayed again, FPWSE0005E
   * if the message has placeholders, which the upstream does not fill, or a target that the upstream does not know.
   */
  async chooseWay(
    application: FoundApplication,
    { target, request, notification }: Pick<PreparedMessage, 'target' | 'request' | 'notification'>,
    via?: string,
  ): Promise<WayOut> {
    const way = await this.divide(application, target, request);
    if (way.relay && notification.placeholders?.length)
      throw invalidValue('message', 'the upstream of this application does not fill placeholders');
    if (way.relay && hasOwnMembers(targetOf(request)))
      throw invalidValue('target', 'the upstream of this application knows no saved audiences and no conditions');
    if (way.relay && isRelayed(via))
      throw new ApiError(
        'CARIL0409E',
        'The message was relayed to this server, and this application would relay it again: a loop.',
      );
    return way;
  }

  private async divide(
    application: FoundApplication,
    target: Target,
    request: Record<string, unknown>,
  ): Promise<WayOut> {
    const { mode, share } = readRoute(application.upstream);
    if (mode === 'direct') return { direct: target, warnings: [] };
    const whole = { direct: null, relay: relayBody(request), warnings: [] };
    if (mode === 'upstream') return whole;
    const list = target.deviceIds ? 'deviceIds' : 'userIds';
    const ids = target[list];
    if (!ids) return { ...whole, warnings: [UNDIVIDED] };
    const here = await this.findRegistered({ applicationId: application.id, target }, ids.length);
    const inShare = new Set(here.filter(({ owner }) => isInShare(owner, share)).map(({ id }) => id));
    const [direct, relayed] = [ids.filter((id) => inShare.has(id)), ids.filter((id) => !inShare.has(id))];
    if (direct.length === 0) return whole;
    if (relayed.length === 0) return { direct: target, warnings: [] };
    const part = { list, ids: relayed, target: targetOf(request) as object } as const;
    return { direct: { ...target, [list]: direct }, relay: relayBody(request, part), warnings: [] };
  }

  private async findRegistered(asked: AskedTarget, ids: number): Promise<RegisteredId[]> {
    if (ids <= FEW_IDS) return this.lookUps.add(asked);
    const [found = []] = await this.registered.listRegistered([asked]);
    return found;
  }
}

/** Whether a target has members that MobileFirst's target does not have. */
function hasOwnMembers(target: unknown): boolean {
  return isJsonObject(target) && ['audience', ...CONDITIONS].some((name) => target[name] !== undefined);
}

const UNDIVIDED: Warning = {
  code: 'undivided',
  message:
    'The message has no device or user ids to divide it by: the upstream gets the whole message, and devices registered only here do not get it.',
};
