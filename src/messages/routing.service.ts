import { Injectable } from '@nestjs/common';
import type { FoundApplication } from '../applications/application.repository.js';
import type { Target } from '../database/tables.js';
import { RegisteredRepository } from '../devices/registered.repository.js';
import { isInShare, readRoute, relayBody } from '../upstream/route.js';
import { targetOf } from './target.js';

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
  constructor(private readonly registered: RegisteredRepository) {}

  async chooseWay(application: FoundApplication, target: Target, request: Record<string, unknown>): Promise<WayOut> {
    const { mode, share } = readRoute(application.upstream);
    if (mode === 'direct') return { direct: target, warnings: [] };
    if (mode === 'upstream') return { direct: null, relay: relayBody(request), warnings: [] };
    const list = target.deviceIds ? 'deviceIds' : 'userIds';
    const ids = target[list];
    if (!ids) return { direct: null, relay: relayBody(request), warnings: [UNDIVIDED] };
    const here = await this.registered.listRegistered(application.id, target);
    const inShare = new Set(here.filter(({ owner }) => isInShare(owner, share)).map(({ id }) => id));
    const [direct, relayed] = [ids.filter((id) => inShare.has(id)), ids.filter((id) => !inShare.has(id))];
    if (direct.length === 0) return { direct: null, relay: relayBody(request), warnings: [] };
    if (relayed.length === 0) return { direct: target, warnings: [] };
    const part = { list, ids: relayed, target: targetOf(request) as object } as const;
    return { direct: { ...target, [list]: direct }, relay: relayBody(request, part), warnings: [] };
  }
}

const UNDIVIDED =
  'A message that is not to device or user ids cannot be divided: it goes through the upstream as a whole, and devices that are registered only here do not get it.';
