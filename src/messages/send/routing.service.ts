import { Injectable } from '@nestjs/common';
import type { FoundApplication } from '../../applications/application.repository.js';
import { ApiError, invalidValue } from '../../common/errors.js';
import { Gather } from '../../common/gather.js';
import type { Target } from '../../database/tables.js';
import { RegisteredRepository } from '../../devices/registered.repository.js';
import type { AskedTarget, RegisteredId } from '../../devices/registered.repository.js';
import { isInShare, isRelayed, readRoute, relayBody } from '../../providers/upstream/upstream.route.js';
import type { PreparedMessage } from '../request/prepare.js';
import { FEW_IDS, REQUESTS_AT_ONCE } from './audience.service.js';
import { targetOf } from '../request/target.js';

/** The way out of one message: whom it goes to from here, and what the upstream is sent of it. */
export interface WayOut {
  /** Null: nobody. */
  direct: Target | null;
  /** Absent: nothing. */
  relay?: Record<string, unknown>;
  warnings: string[];
}

/**
 * Chooses the way out when a message is accepted, and for good: a mode that is switched later changes nothing for it.
 * Nobody is ever on both ways. What cannot be divided by ids goes one way as a whole, because neither side can leave out
 * whom the other has reached.
 */
@Injectable()
export class RoutingService {
  private readonly lookUps: Gather<AskedTarget, RegisteredId[]>;

  constructor(private readonly registered: RegisteredRepository) {
    this.lookUps = new Gather((asked) => registered.listRegistered(asked), REQUESTS_AT_ONCE);
  }

  /**
   * `via`: the request's header of this name. Throws CARIL0409E when the message came by a relay and would go into one,
   * FPWSE0005E when it has placeholders, which the upstream does not fill.
   */
  async chooseWay(
    application: FoundApplication,
    { target, request, notification }: Pick<PreparedMessage, 'target' | 'request' | 'notification'>,
    via?: string,
  ): Promise<WayOut> {
    const way = await this.divide(application, target, request);
    if (way.relay && notification.placeholders?.length)
      throw invalidValue('message', 'the application relays it, and the upstream fills no placeholders');
    if (way.relay && isRelayed(via))
      throw new ApiError('CARIL0409E', 'The message comes from a relay, and this application relays too: a loop.');
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

const UNDIVIDED =
  'A message that is not to device or user ids cannot be divided: it goes through the upstream as a whole, and devices that are registered only here do not get it.';
