import type { Random } from './random.js';
import { BadInput, checkShape, type Shape } from './shape.js';
import { PROVIDERS, type ProviderName } from './provider.js';

/** Conditions of a rule: every given field must match; nth, every and probability then select among the matches. */
interface FaultMatch {
  provider?: ProviderName;
  token?: string;
  tokenPrefix?: string;
  /** Beginning of the request's path. */
  path?: string;
  /** Connection number as in the ledger. */
  connection?: number;
  /** Only the n-th matching request, counted from 1. */
  nth?: number;
  /** Every n-th matching request. */
  every?: number;
  /** 0 to 1, drawn from the seeded generator. */
  probability?: number;
}

type CutKind = 'fin' | 'tcpReset' | 'rst' | 'blackhole';

/**
 * How an answer is damaged: `headersOnly` lacks body and end and leaves the stream open; `noBody` ends after the
 * headers; `half` ends in the middle of the body; `halfThenReset` is cut there; `notJson` has a page of HTML instead.
 */
const SPOILS = ['headersOnly', 'noBody', 'half', 'halfThenReset', 'notJson'] as const;
export type Spoil = (typeof SPOILS)[number];

/**
 * The effect in place of, or before, acceptance. With only `delayMs`, `jitterMs` or `spoil`, the message is accepted.
 * All others except `acceptThenCut` refuse before processing: the ledger does not count the message.
 */
export interface FaultAction {
  status?: number;
  /** The provider's reason; body and details are derived from it. */
  reason?: string;
  /** Replaces the body: a string as it is, anything else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** Applies to every kind of answer. */
  spoil?: Spoil;
  delayMs?: number;
  /** Up to this many milliseconds more, uniformly. */
  jitterMs?: number;
  /** RST_STREAM with this code; true is REFUSED_STREAM (7). */
  rst?: boolean | number;
  /** GOAWAY with a last stream id below this stream; a string is its debug data. The connection then drains. */
  goaway?: boolean | string;
  /** TCP FIN with everything in flight unanswered. */
  fin?: boolean;
  tcpReset?: boolean;
  /** The connection answers nothing any more, PING included. */
  blackhole?: boolean;
  /** Records the message, then fails so that the sender never gets the result; true is `fin`. */
  acceptThenCut?: boolean | CutKind;
}

export interface FaultRule {
  match: FaultMatch;
  action: FaultAction;
  /** How often the rule applies; without it always. */
  times?: number;
}

/** The data of a request that rules need. */
export interface FaultSubject {
  provider: ProviderName;
  path: string;
  token: string;
  connection: number;
}

const RULE: Shape = { match: 'object', action: 'object', times: 'number' };
const MATCH: Shape = {
  provider: PROVIDERS,
  token: 'string',
  tokenPrefix: 'string',
  path: 'string',
  connection: 'number',
  nth: 'number',
  every: 'number',
  probability: 'number',
};
const ACTION: Shape = {
  status: 'number',
  reason: 'string',
  body: 'any',
  headers: 'object',
  spoil: SPOILS,
  delayMs: 'number',
  jitterMs: 'number',
  rst: 'any',
  goaway: 'any',
  fin: 'boolean',
  tcpReset: 'boolean',
  blackhole: 'boolean',
  acceptThenCut: [true, false, 'fin', 'tcpReset', 'rst', 'blackhole'],
};

export function parseFaultRules(input: unknown): FaultRule[] {
  if (!Array.isArray(input)) throw new BadInput('a list of fault rules is expected');
  return input.map((rule: unknown, index) => {
    const where = `rules[${index}]`;
    const fields = checkShape(rule, RULE, where, ['action']);
    const match = checkShape(fields['match'] ?? {}, MATCH, `${where}.match`);
    const action = checkShape(fields['action'], ACTION, `${where}.action`);
    if (Object.keys(action).length === 0) throw new BadInput(`${where}.action is empty`);
    return { ...fields, match, action };
  });
}

interface LiveRule {
  rule: FaultRule;
  matched: number;
  fired: number;
}

/** An ordered list of rules; the first that applies decides. */
export class FaultScript {
  private rules: LiveRule[] = [];

  constructor(private readonly random: Random) {}

  replace(rules: readonly FaultRule[]): void {
    this.rules = [];
    this.append(rules);
  }

  append(rules: readonly FaultRule[]): void {
    for (const rule of rules) this.rules.push({ rule, matched: 0, fired: 0 });
  }

  list(): { rule: FaultRule; matched: number; fired: number }[] {
    return this.rules.map((live) => ({ ...live }));
  }

  next(subject: FaultSubject): FaultAction | undefined {
    for (const live of this.rules) {
      const { match, action, times } = live.rule;
      if (times !== undefined && live.fired >= times) continue;
      if (!concerns(match, subject)) continue;
      live.matched += 1;
      if (match.nth !== undefined && live.matched !== match.nth) continue;
      if (match.every !== undefined && live.matched % match.every !== 0) continue;
      if (match.probability !== undefined && this.random.next() >= match.probability) continue;
      live.fired += 1;
      return action;
    }
    return undefined;
  }
}

function concerns(match: FaultMatch, subject: FaultSubject): boolean {
  return (
    (match.provider === undefined || match.provider === subject.provider) &&
    (match.token === undefined || match.token === subject.token) &&
    (match.tokenPrefix === undefined || subject.token.startsWith(match.tokenPrefix)) &&
    (match.path === undefined || subject.path.startsWith(match.path)) &&
    (match.connection === undefined || match.connection === subject.connection)
  );
}
