import type { Acceptance, ProviderName } from './provider.js';

/** Tokens and messages are numbered; a pair of them is one number: 2^26 tokens and 2^27 messages fit in 2^53. */
const TOKENS = 2 ** 26;

/** One accepted message with all details; only the newest are kept. */
export interface LedgerEntry extends Acceptance {
  provider: ProviderName;
  /** Epoch milliseconds. */
  receivedAt: number;
  connection: number;
  /** HTTP/2 stream id; 0 over HTTP/1.1. */
  stream: number;
  headers: Record<string, unknown>;
  /** True if the sender never got the answer. */
  answerLost: boolean;
  /** True if it was not processed after all: a connection command or a GOAWAY refused it before its answer. */
  withdrawn?: true;
}

export interface TokenCount {
  token: string;
  count: number;
  /** How many of `count` the sender got no answer for. */
  answersLost: number;
  collapseId: string;
}

export interface MessageSummary {
  messageId: string;
  /** Acceptances, repeats included. */
  accepted: number;
  /** Tokens that received it at least once. */
  distinct: number;
  /** accepted - distinct */
  repeats: number;
  /** Acceptances without an answer to the sender. */
  answersLost: number;
}

interface MessageTotals {
  id: string;
  accepted: number;
  distinct: number;
  answersLost: number;
  collapseId: string;
}

/**
 * The messages that one provider accepted. Repeats and losses are exact for any number of messages: per pair of message
 * and token only a count is stored (about 60 bytes; a million pairs are measured in docs/simulators.md), and rare data
 * is in sparse maps. Full details are stored for the last `detailsKept` messages.
 */
export class Ledger {
  private readonly tokenNumbers = new Map<string, number>();
  private readonly tokens: string[] = [];
  private readonly messageNumbers = new Map<string, number>();
  private readonly messages: MessageTotals[] = [];
  private readonly counts = new Map<number, number>();
  private readonly lostByPair = new Map<number, number>();
  /** Only for pairs whose collapse id differs from the message's usual one. */
  private readonly otherCollapseIds = new Map<number, string>();
  private readonly ring: LedgerEntry[] = [];
  private ringNext = 0;

  constructor(private readonly detailsKept: number) {}

  record(entry: LedgerEntry): void {
    const { pair, totals } = this.placeOf(entry);
    const before = this.counts.get(pair) ?? 0;
    this.counts.set(pair, before + 1);
    totals.accepted += 1;
    if (before === 0) totals.distinct += 1;
    if (entry.answerLost) this.countLost(pair, totals, 1);
    if (entry.collapseId !== totals.collapseId) this.otherCollapseIds.set(pair, entry.collapseId);
    this.ring[this.ringNext] = entry;
    this.ringNext = (this.ringNext + 1) % this.detailsKept;
  }

  /** The answer to a recorded message was not sent. */
  loseAnswer(entry: LedgerEntry): void {
    if (entry.answerLost) return;
    entry.answerLost = true;
    const { pair, totals } = this.placeOf(entry);
    this.countLost(pair, totals, 1);
  }

  /** A recorded message was not processed after all. */
  withdraw(entry: LedgerEntry): void {
    entry.withdrawn = true;
    const { pair, totals } = this.placeOf(entry);
    const left = (this.counts.get(pair) ?? 1) - 1;
    totals.accepted -= 1;
    if (left > 0) this.counts.set(pair, left);
    else {
      this.counts.delete(pair);
      totals.distinct -= 1;
    }
    if (entry.answerLost) this.countLost(pair, totals, -1);
  }

  private placeOf(entry: LedgerEntry): { pair: number; totals: MessageTotals } {
    const message = this.messageOf(entry);
    return { pair: message * TOKENS + this.tokenOf(entry.token), totals: this.messages[message] as MessageTotals };
  }

  private countLost(pair: number, totals: MessageTotals, by: 1 | -1): void {
    totals.answersLost += by;
    this.lostByPair.set(pair, (this.lostByPair.get(pair) ?? 0) + by);
  }

  private messageOf(entry: LedgerEntry): number {
    const known = this.messageNumbers.get(entry.messageId);
    if (known !== undefined) return known;
    const { messageId: id, collapseId } = entry;
    const number = this.messages.push({ id, accepted: 0, distinct: 0, answersLost: 0, collapseId }) - 1;
    this.messageNumbers.set(id, number);
    return number;
  }

  private tokenOf(token: string): number {
    const known = this.tokenNumbers.get(token);
    if (known !== undefined) return known;
    const number = this.tokens.push(token) - 1;
    this.tokenNumbers.set(token, number);
    return number;
  }

  /** Totals of one message, or of everything. */
  summary(messageId?: string): Omit<MessageSummary, 'messageId'> {
    const sum = { accepted: 0, distinct: 0, repeats: 0, answersLost: 0 };
    for (const totals of messageId === undefined ? this.messages : this.totalsOf(messageId)) {
      sum.accepted += totals.accepted;
      sum.distinct += totals.distinct;
      sum.answersLost += totals.answersLost;
    }
    sum.repeats = sum.accepted - sum.distinct;
    return sum;
  }

  /** The messages seen, oldest first, at most `limit`. */
  listMessages(limit: number): MessageSummary[] {
    return this.messages.slice(0, limit).map(({ id, accepted, distinct, answersLost }) => {
      return { messageId: id, accepted, distinct, repeats: accepted - distinct, answersLost };
    });
  }

  private totalsOf(messageId: string): MessageTotals[] {
    const number = this.messageNumbers.get(messageId);
    return number === undefined ? [] : [this.messages[number] as MessageTotals];
  }

  /**
   * Tokens that received a message (or any), in order of first arrival; `repeatsOnly` leaves out those that received it
   * once.
   */
  *tokenCounts(messageId: string | undefined, repeatsOnly = false): Generator<TokenCount & { messageId: string }> {
    const wanted = messageId === undefined ? undefined : (this.messageNumbers.get(messageId) ?? -1);
    for (const [pair, count] of this.counts) {
      if (repeatsOnly && count < 2) continue;
      const message = Math.floor(pair / TOKENS);
      if (wanted !== undefined && message !== wanted) continue;
      const totals = this.messages[message] as MessageTotals;
      yield {
        messageId: totals.id,
        token: this.tokens[pair % TOKENS] as string,
        count,
        answersLost: this.lostByPair.get(pair) ?? 0,
        collapseId: this.otherCollapseIds.get(pair) ?? totals.collapseId,
      };
    }
  }

  /** The newest acceptances, newest first. */
  last(limit: number): LedgerEntry[] {
    const ordered = [...this.ring.slice(this.ringNext), ...this.ring.slice(0, this.ringNext)];
    return ordered
      .toReversed()
      .filter(({ withdrawn }) => !withdrawn)
      .slice(0, limit);
  }
}
