import { OUTCOMES } from '../../parts/outcomes';
import type { Outcome } from '../../parts/outcomes';
import type { DeliveriesFilter } from './queries';

/** The filter and the page of the deliveries, as they stand in the address. */
export function messageAddress({ outcome, deviceId, after }: Record<string, unknown>): DeliveriesFilter {
  return {
    ...(OUTCOMES.includes(outcome as Outcome) && { outcome: outcome as Outcome }),
    ...((typeof deviceId === 'string' || typeof deviceId === 'number') && { deviceId: String(deviceId) }),
    ...((typeof after === 'string' || typeof after === 'number') && { after: String(after) }),
  };
}
