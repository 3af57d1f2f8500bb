import { untilAborted } from './attempt.js';
import { UnexpectedAnswerError } from './errors.js';

export interface Granted {
  access_token: string;
  expires_in: number;
}

/** A token is renewed this long before its end, or a tenth of its life, whichever is shorter. */
const MARGIN_MS = 30_000;

/** Keeps the access token: one request for all callers that wait, and none by the wall clock, which may be wrong. */
export class Tokens {
  #held?: { token: string; renewAt: number };
  #asked?: Promise<string>;

  /** `ask` requests a token. */
  constructor(private readonly ask: () => Promise<Granted>) {}

  /** The signal ends the wait of this caller alone. */
  async get(signal?: AbortSignal): Promise<string> {
    if (this.#held && performance.now() < this.#held.renewAt) return this.#held.token;
    this.#asked ??= this.#renew().finally(() => (this.#asked = undefined));
    return untilAborted(this.#asked, signal);
  }

  /** The server refused `token`. A newer one stays. */
  drop(token: string): void {
    if (this.#held?.token === token) this.#held = undefined;
  }

  async #renew(): Promise<string> {
    const askedAt = performance.now();
    const { access_token: token, expires_in: seconds } = await this.ask();
    // A header with other characters would make an error that prints the token.
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token) || !(seconds > 0))
      throw new UnexpectedAnswerError('The token endpoint answered without a token');
    const life = seconds * 1_000;
    this.#held = { token, renewAt: askedAt + life - Math.min(MARGIN_MS, life / 10) };
    return token;
  }
}
