import type { PushPool } from '../../http2/pool.js';
import type { SenderStats } from '../provider.js';

export function statsOf(pool: PushPool): SenderStats {
  const { connections, capacity, inFlight } = pool.stats();
  return { connections, streams: capacity, inFlight };
}
