import { textOf } from '../../parts/address';
import { OUTCOMES } from '../../parts/outcomes';
import type { Outcome } from '../../parts/outcomes';
import type { DeliveriesFilter } from './queries';

/** The filter and the page of the deliveries, as they stand in the address. */
export function messageAddress({ outcome, ...search }: Record<string, unknown>): DeliveriesFilter {
  const [deviceId, after] = [textOf(search.deviceId), textOf(search.after)];
  return {
    ...(OUTCOMES.includes(outcome as Outcome) && { outcome: outcome as Outcome }),
    ...(deviceId !== undefined && { deviceId }),
    ...(after !== undefined && { after }),
  };
}
