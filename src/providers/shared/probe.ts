import { wallClock } from '../../common/clock.js';
import { MINUTE_MS } from '../../common/durations.js';
import type { Sender, Verdict } from '../provider.js';
import type { BearerTokenSource } from './bearer-tokens.js';
import { NOT_SENT } from './fan-out.js';

/** Some refusals are believed at the third in a row. */
const TRIES = 3;
const ACCEPTED: Verdict = { action: 'accept' };

/**
 * Sends to a device token that no device has. The provider looks at the credentials before the token, so an answer
 * about the token shows that the credentials are good.
 */
export async function probeWithToken(sender: Sender, token: string, signal: AbortSignal): Promise<Verdict> {
  const messageId = 'credentials-test';
  const expiresAt = wallClock() + MINUTE_MS;
  const notification = { messageId, collapseId: messageId, alert: 'Test', expiresAt, nowOrNever: true };
  let verdict = NOT_SENT;
  const note = (_index: number, given: Verdict): void => {
    verdict = given;
  };
  for (let tries = 0; tries < TRIES && !signal.aborted; tries++) {
    await sender.send(notification, [{ token, platform: '', registeredAt: expiresAt }], note, signal);
    if (verdict.action === 'dropDevice') return ACCEPTED;
    if (verdict.action !== 'retryBackoff') return verdict;
  }
  return verdict;
}

/** Requests an access token. */
export async function probeTokens(tokens: BearerTokenSource): Promise<Verdict> {
  const grant = await tokens.obtain();
  return 'token' in grant ? ACCEPTED : grant.verdict;
}
