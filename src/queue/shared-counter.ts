import type { RedisClient } from './redis-client.js';

/** Counts in a window shared by all processes. The window begins with its first count and expires in Redis. */
const COUNT = `
  local total = redis.call('incrby', KEYS[1], ARGV[1])
  if total == tonumber(ARGV[1]) then redis.call('pexpire', KEYS[1], ARGV[2]) end
  return {total, redis.call('pttl', KEYS[1])}`;

export interface SharedCount {
  total: number;
  /** Until the window ends. */
  leftMs: number;
}

export async function countShared(redis: RedisClient, key: string, by: number, windowMs: number): Promise<SharedCount> {
  const [total = by, leftMs = windowMs] = (await redis.eval(COUNT, 1, key, by, windowMs)) as number[];
  return { total, leftMs: leftMs > 0 ? leftMs : windowMs };
}
