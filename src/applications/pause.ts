import type { Pause } from './provider-setting.repository.js';

/** A pause as the API tells it; nothing where there is none. */
export function describePause({ pausedReason, pausedBy, pausedAt, nextTryAt }: Pause): {
  pausedReason?: string;
  pausedBy?: string;
  pausedTime?: string;
  nextTryTime?: string;
} {
  if (pausedReason === null) return {};
  return {
    pausedReason,
    ...(pausedBy !== null && { pausedBy }),
    ...(pausedAt && { pausedTime: pausedAt.toISOString() }),
    ...(nextTryAt && { nextTryTime: nextTryAt.toISOString() }),
  };
}
