import { goAways, requestMeter } from '../../common/meters.js';
import { ErrorCode, errorName } from '../../http2/frames.js';
import type { PoolMeter } from '../../http2/push.js';
import type { ProviderName } from '../provider.js';

/** Of RFC 9113 §7. */
const LAST_CODE: number = ErrorCode.HTTP_1_1_REQUIRED;

/** Counts the requests to a provider and its GOAWAYs, over all connections of this process. */
export function meterOf(provider: ProviderName): PoolMeter {
  return {
    settled: requestMeter(provider),
    wentAway: (code) => goAways.inc({ provider, code: code > LAST_CODE ? 'other' : errorName(code) }),
  };
}
