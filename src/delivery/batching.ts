import type { AudienceMember } from '../devices/audience.repository.js';
import type { ProviderName } from '../providers/provider.js';

/** Deliveries in one batch. A batch is the unit of work and of recovery. */
export const BATCH_SIZE = 1_000;

export interface NewBatch {
  provider: ProviderName;
  deviceSeqs: number[];
  /** Epoch ms. Absent: as soon as the window has room. */
  due?: number;
}

/** The batch as JSON for its insert (batch-insert.repository.ts). */
export function toBatchRecord({ provider, deviceSeqs, due }: NewBatch): Record<string, unknown> {
  return { provider, due_at: due === undefined ? null : new Date(due), device_seqs: `{${deviceSeqs.join(',')}}` };
}

/**
 * Stands for the device's seq in the single delivery of a relayed message, the request to the upstream. Seqs begin at
 * 1, so no device has it.
 */
export const RELAY_SEQ = 0;
export const RELAY_BATCH: NewBatch = { provider: 'upstream', deviceSeqs: [RELAY_SEQ] };

/** Cuts members, in seq order, into batches of one provider each; the order within and between batches stays. */
export function cutBatches(members: readonly AudienceMember[]): NewBatch[] {
  const batches: NewBatch[] = [];
  const open = new Map<ProviderName, NewBatch>();
  for (const { seq, provider } of members) {
    let batch = open.get(provider);
    if (!batch || batch.deviceSeqs.length === BATCH_SIZE) {
      batch = { provider, deviceSeqs: [] };
      open.set(provider, batch);
      batches.push(batch);
    }
    batch.deviceSeqs.push(seq);
  }
  return batches;
}
