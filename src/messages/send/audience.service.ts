import { Injectable } from '@nestjs/common';
import { ApiError } from '../../common/errors.js';
import { Gather } from '../../common/gather.js';
import type { Target } from '../../database/tables.js';
import { BATCH_SIZE, cutBatches } from '../../delivery/batching.js';
import type { NewBatch } from '../../delivery/batching.js';
import { AudienceRepository, BROADCAST_TAG } from '../../devices/audience.repository.js';
import type { Warning } from '../request/warning.js';
import { RecipientRepository } from './recipient.repository.js';
import type { AskedIds, NamedDevice } from './recipient.repository.js';

/** How many requests share a look-up: one for 200 requests of one device each takes 2 ms. */
export const REQUESTS_AT_ONCE = 200;
/** Longer lists are looked up alone. */
export const FEW_IDS = 100;
/** How many unknown ids a warning names; ten thousand would make the answer larger than the request. */
const NAMED = 10;

export interface Audience {
  /** About ids without a device that receives messages. */
  warnings: Warning[];
  /** The batches, if the audience fits into one, so that accepting and expanding share a commit; else null. */
  batches: NewBatch[] | null;
  /** True for a few named devices: their deliveries go before broadcasts. */
  urgent: boolean;
}

/** Resolves the audience of a message as far as that is possible before the message is stored. */
@Injectable()
export class AudienceService {
  private readonly lookUps: Gather<AskedIds, NamedDevice[]>;
  /** For bulks: a single message need not wait for a statement that looks up fifty. */
  private readonly bulkLookUps: Gather<AskedIds, NamedDevice[]>;

  constructor(
    private readonly audience: AudienceRepository,
    recipients: RecipientRepository,
  ) {
    this.lookUps = new Gather((asked) => recipients.find(asked), REQUESTS_AT_ONCE);
    this.bulkLookUps = new Gather((asked) => recipients.find(asked), REQUESTS_AT_ONCE);
  }

  /**
   * Tags are declared, so an unknown tag is an error (FPWSE0001E). Device and user ids come and go, so ids without a
   * device get a warning. `bulk`: an audience of many ids is left to the expansion.
   */
  async resolve(applicationId: string, target: Target, { bulk = false } = {}): Promise<Audience> {
    const kind = target.deviceIds ? 'deviceIds' : 'userIds';
    const ids = target[kind];
    // The look-up of few ids knows no conditions.
    if (ids && ids.length <= FEW_IDS && !target.where) {
      const found = await (bulk ? this.bulkLookUps : this.lookUps).add({ applicationId, kind, ids });
      return ofFew({ kind, ids }, found, target.platforms);
    }
    const warnings = await this.checkTarget(applicationId, target);
    if (bulk) return { warnings, batches: null, urgent: false };
    const range = { after: 0, max: Number.MAX_SAFE_INTEGER, limit: BATCH_SIZE + 1 };
    const members = await this.audience.page(applicationId, target, range);
    const batches = members.length > BATCH_SIZE ? null : cutBatches(members);
    return { warnings, batches, urgent: batches !== null && ids !== undefined };
  }

  /** Returns warnings for ids without a device that receives messages. Throws as `resolve` does. */
  async checkTarget(applicationId: string, target: Target): Promise<Warning[]> {
    if (target.tagNames) {
      const tags = target.tagNames.filter((name) => name !== BROADCAST_TAG);
      const unknown = await this.audience.unknownTagNames(applicationId, tags);
      if (unknown.length === 0) return [];
      throw new ApiError(
        'FPWSE0001E',
        `Not found: the tag does not exist. Check the 'target.tagNames' parameter value: ${list(unknown)}.`,
      );
    }
    const kind = target.deviceIds ? 'deviceIds' : 'userIds';
    const ids = target[kind];
    if (!ids) return [];
    return warnOfIds({ kind, ids }, await this.audience.findRegistered(applicationId, kind, ids));
  }
}

function ofFew(
  asked: Pick<AskedIds, 'kind' | 'ids'>,
  found: readonly NamedDevice[],
  platforms: readonly string[] | undefined,
): Audience {
  const warnings = warnOfIds(asked, found);
  const members = found
    .filter(({ retired, platform }) => !retired && (!platforms || platforms.includes(platform)))
    .toSorted((a, b) => a.seq - b.seq);
  if (members.length > BATCH_SIZE) return { warnings, batches: null, urgent: false };
  return { warnings, batches: cutBatches(members), urgent: true };
}

function warnOfIds(
  { kind, ids }: Pick<AskedIds, 'kind' | 'ids'>,
  found: readonly Pick<NamedDevice, 'id' | 'retired'>[],
): Warning[] {
  const registered = new Set(found.map(({ id }) => id));
  const reached = new Set(found.filter(({ retired }) => !retired).map(({ id }) => id));
  const unknown = ids.filter((id) => !registered.has(id));
  const retired = ids.filter((id) => registered.has(id) && !reached.has(id));
  const field = `target.${kind}`;
  const warnings: Warning[] = [];
  if (unknown.length > 0)
    warnings.push({
      code: 'unregisteredIds',
      message: `No device is registered for ${unknown.length} of ${field}: ${list(unknown)}.`,
      field,
      ...counted(unknown),
    });
  if (retired.length > 0)
    warnings.push({
      code: 'retiredIds',
      message: `Only retired devices are registered for ${retired.length} of ${field}: ${list(retired)}.`,
      field,
      ...counted(retired),
    });
  return warnings;
}

function counted(ids: readonly string[]): Pick<Warning, 'count' | 'ids'> {
  return { count: ids.length, ids: ids.slice(0, NAMED) };
}

function list(ids: readonly string[]): string {
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  return `${ids.slice(0, NAMED).join(', ')}${more}`;
}
