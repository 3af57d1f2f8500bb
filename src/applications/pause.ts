import type { Pause } from './provider-setting.repository.js';

/** The API's fields of a pause; empty without a pause. */
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
