import { wallClock } from '../../common/clock.js';
import type { Verdict } from '../provider.js';
import type { BearerTokenSource } from './bearer-tokens.js';
import { NOT_SENT } from './fan-out.js';

/** What an answer means, and whether the peer refused the access token of the request. */
interface BearerOutcome {
  verdict: Verdict;
  tokenRefused?: true;
}

/** The last answer and its token; without an answer only the verdict. */
export type BearerAnswer<Outcome> = { outcome: Outcome; token: string; repeated: boolean } | { verdict: Verdict };

/**
 * Sends a request with an access token. If the peer refuses the token, sends the request once more with another token;
 * with `mayRepeat` false it does not. Nothing is sent after `signal` aborts.
 */
export async function callWithToken<Result extends { kind: string }, Outcome extends BearerOutcome>(
  { tokens, signal, mayRepeat = true }: { tokens: BearerTokenSource; signal?: AbortSignal; mayRepeat?: boolean },
  send: (token: string) => Promise<Result>,
  read: (result: Result, now: number) => Outcome,
): Promise<BearerAnswer<Outcome>> {
  for (let repeated = false; ; repeated = true) {
    let token = tokens.current();
    if (token === undefined) {
      const grant = await tokens.obtain();
      if ('verdict' in grant) return grant;
      token = grant.token;
    }
    if (signal?.aborted) return { verdict: NOT_SENT };
    const result = await send(token);
    if (result.kind === 'refused' && signal?.aborted) return { verdict: NOT_SENT };
    const outcome = read(result, wallClock());
    if (!outcome.tokenRefused || repeated || !mayRepeat) return { outcome, token, repeated };
    tokens.refuse(token);
  }
}
