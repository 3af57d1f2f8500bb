import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { ClientLimits } from '../auth/client.js';
import { Clock } from '../common/clock.js';
import { ApiError } from '../common/errors.js';
import { CONFIG } from '../common/tokens.js';
import type { Config } from '../config.js';
import { Queues } from '../queue/queue.js';
import { WINDOW_S, Window } from './window.js';

/** The number of remembered parties; beyond, parties whose window has ended are forgotten. */
const PARTIES = 10_000;

interface LimitedClient extends ClientLimits {
  id: string;
}

/** A client or an application, in this process. */
class Party {
  readonly window = new Window();
  underWay = 0;
  telling = false;

  constructor(
    readonly kind: 'client' | 'application',
    readonly id: string,
  ) {}
}

/**
 * Limits the requests of one client, and of all clients for one application. Decided in memory: no request waits for
 * Redis. Processes share their counts through Redis, in lots; while Redis is unavailable each process limits on its
 * own.
 */
@Injectable()
export class Door {
  private readonly parties = new Map<string, Party>();

  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'limits'>,
    private readonly queues: Queues,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts the request of an authorized client until it is answered, and adds the remaining allowance to the answer's
   * headers. `client` null: a device; devices are too many to count each. Throws CARIL0429E.
   */
  enter(reply: FastifyReply, client: LimitedClient | null, applicationId: string | undefined): void {
    const { limits } = this.config;
    const entries: { party: Party; rate: number; most: number }[] = [];
    if (client !== null)
      entries.push({
        party: this.party('client', client.id),
        rate: (client.requestsPerSecond ?? limits.client.requestsPerSecond) * WINDOW_S,
        most: client.concurrentRequests ?? limits.client.concurrentRequests,
      });
    if (applicationId !== undefined)
      entries.push({
        party: this.party('application', applicationId),
        rate: limits.application.requestsPerSecond * WINDOW_S,
        most: limits.application.concurrentRequests,
      });
    const now = this.clock.elapsed();
    const busy = entries.find(({ party, most }) => party.underWay >= most);
    if (busy) throw tooManyAtOnce(busy.party, busy.most);
    const admitted = entries.map(({ party, rate }) => ({ party, rate, ...party.window.admit(rate, now) }));
    reply.headers(describe(admitted, now));
    const refused = admitted.find(({ waitMs }) => waitMs > 0);
    if (refused) throw tooManyInTime(refused.party, refused.rate, refused.waitMs);
    for (const { party, rate } of entries) {
      party.underWay++;
      this.tell(party, rate);
    }
    reply.raw.once('close', () => {
      for (const { party } of entries) party.underWay--;
    });
  }

  private party(kind: Party['kind'], id: string): Party {
    const key = `${kind} ${id}`;
    const known = this.parties.get(key);
    if (known) return known;
    if (this.parties.size >= PARTIES) this.forget();
    const party = new Party(kind, id);
    this.parties.set(key, party);
    return party;
  }

  private forget(): void {
    const now = this.clock.elapsed();
    for (const [key, { underWay, window }] of this.parties)
      if (underWay === 0 && window.isOver(now)) this.parties.delete(key);
  }

  /** Reports counts outside of the request, one report at a time. */
  private tell(party: Party, rate: number): void {
    if (party.telling) return;
    const lot = party.window.takeLot(rate);
    if (lot === 0) return;
    const { number } = party.window;
    party.telling = true;
    void this.queues
      .count(`${party.kind}:${party.id}`, lot, WINDOW_S * 1_000)
      .then((count) => count && party.window.learn(number, count.total, count.leftMs, this.clock.elapsed()))
      // Redis is unavailable: until it is back this process limits on its own.
      .catch(() => undefined)
      .finally(() => (party.telling = false));
  }
}

interface Admitted {
  party: Party;
  rate: number;
  left: number;
}

/** The headers of draft-ietf-httpapi-ratelimit-headers-10. */
function describe(admitted: readonly Admitted[], now: number): Record<string, string> {
  const policy = admitted.map(({ party, rate }) => `"${party.kind}";q=${rate};w=${WINDOW_S}`);
  const limit = admitted.map(
    ({ party, left }) => `"${party.kind}";r=${left};t=${Math.ceil(party.window.resetMs(now) / 1_000)}`,
  );
  return { 'ratelimit-policy': policy.join(', '), ratelimit: limit.join(', ') };
}

function tooManyInTime({ kind, id }: Party, rate: number, waitMs: number): ApiError {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return new ApiError(
    'CARIL0429E',
    `Too many requests: the ${kind} ${id} may send ${rate} in ${WINDOW_S} s. Try again in ${seconds} s.`,
    { 'retry-after': String(seconds) },
  );
}

function tooManyAtOnce({ kind, id }: Party, most: number): ApiError {
  return new ApiError('CARIL0429E', `Too many concurrent requests: the ${kind} ${id} may have ${most} open.`, {
    'retry-after': '1',
    'ratelimit-policy': `"${kind}";q=${most};qu="concurrent-requests"`,
  });
}
