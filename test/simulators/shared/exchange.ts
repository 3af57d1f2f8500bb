import { constants } from 'node:http2';
import type { Connection, Exchange } from './connection.js';
import type { Counters } from './counters.js';
import type { FaultAction, FaultScript, Spoil } from './faults.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import type { Acceptance, Answer, Judgement, ProviderRules, ReceivedRequest } from './provider.js';
import type { Random } from './random.js';
import type { CommonSettings } from './settings.js';

/** How an answer leaves: an HTTP/2 stream or an HTTP/1.1 response. */
export interface Wire {
  readonly streamId: number;
  isGone(): boolean;
  /** Sends the answer, damaged if requested. */
  write(answer: Answer, spoil?: Spoil): void;
  reset(code: number): void;
}

/** Objects that all exchanges of one provider share. */
export interface Desk {
  rules: ProviderRules;
  settings: CommonSettings;
  faults: FaultScript;
  random: Random;
  ledger: Ledger;
  counters: Counters;
}

/**
 * One request from its arrival to its end. Checks of the true provider come before fault rules. A message is recorded
 * on its complete arrival, when a true provider would have it. If a command, a GOAWAY or a fault on the connection ends
 * the request unprocessed, the record is withdrawn; if the sender gave up, it stays.
 */
export class ServedExchange implements Exchange {
  private settled = false;
  private request: ReceivedRequest | null = null;
  /** One for each token of the request. */
  private acceptances: readonly Acceptance[] = [];
  private fault: FaultAction | undefined;
  private recorded: LedgerEntry[] = [];

  constructor(
    private readonly desk: Desk,
    private readonly connection: Connection,
    private readonly wire: Wire,
  ) {
    connection.inFlight.add(this);
    if (connection.inFlight.size > desk.counters.peakStreams) desk.counters.peakStreams = connection.inFlight.size;
  }

  get streamId(): number {
    return this.wire.streamId;
  }

  /** Judges a request that has arrived whole and answers it, at once or after its latency. */
  serve(request: ReceivedRequest): void {
    if (this.settled) return;
    if (this.connection.silent || this.streamId > this.connection.lastTaken) return this.abandon();
    const { rules, settings, faults, random } = this.desk;
    this.request = request;
    const judgement = rules.judge(request);
    if (judgement.kind === 'accept') this.acceptances = [judgement.acceptance].flat();
    if (judgement.kind !== 'refuse') {
      const { name: provider } = rules;
      const { path, connection } = request;
      const token = this.acceptances[0]?.token ?? '';
      this.fault = faults.next({ provider, path, token, connection: connection.id });
    }
    if (this.willTake()) this.record(this.isUntold());
    let delay = settings.latencyMs > 0 ? random.latency(settings.latencyMs, settings.latencySigma) : 0;
    if (this.fault?.delayMs !== undefined) delay += this.fault.delayMs;
    if (this.fault?.jitterMs !== undefined) delay += this.fault.jitterMs * random.next();
    if (delay > 0) setTimeout(() => this.finish(request, judgement), delay);
    else this.finish(request, judgement);
  }

  private finish(request: ReceivedRequest, judgement: Judgement): void {
    if (this.settled) return;
    if (this.connection.silent) return this.abandon();
    if (this.wire.isGone()) return this.leave();
    if (judgement.kind === 'refuse') return this.refuseAs(request, judgement);
    const fault = this.fault;
    if (fault) {
      if (fault.acceptThenCut) return this.acceptThenCut(fault.acceptThenCut);
      if (this.failAs(request, fault)) return;
    }
    this.accept(judgement);
  }

  /** False for a request that a fault refuses or cuts before it is processed. */
  private willTake(): boolean {
    if (this.acceptances.length === 0) return false;
    const { status, rst, goaway, fin, tcpReset, blackhole, acceptThenCut } = this.fault ?? {};
    return Boolean(acceptThenCut) || !(status !== undefined || rst || goaway || fin || tcpReset || blackhole);
  }

  /** Whether the answer cannot be read to its end, so that the sender does not know the result. */
  private isUntold(): boolean {
    const { spoil, acceptThenCut } = this.fault ?? {};
    return Boolean(acceptThenCut) || spoil === 'headersOnly' || spoil === 'halfThenReset';
  }

  private accept(judgement: Judgement): void {
    this.answer(judgement.answer, judgement.kind === 'served' ? judgement.reason : '');
  }

  private refuseAs(request: ReceivedRequest, judgement: Judgement & { kind: 'refuse' }): void {
    const { reason, detail, disconnect } = judgement;
    this.desk.counters.noteRefusal({ reason, path: request.path, ...(detail === undefined ? {} : { detail }) });
    this.answer(judgement.answer, reason);
    if (disconnect !== undefined) this.connection.goawayAt(this.streamId, constants.NGHTTP2_NO_ERROR, disconnect);
  }

  /** Fails the request by the rule; false if the rule only delays. */
  private failAs(request: ReceivedRequest, fault: FaultAction): boolean {
    const { connection } = this;
    if (fault.fin || (fault.goaway && !connection.session)) connection.fin();
    else if (fault.tcpReset) connection.tcpReset();
    else if (fault.blackhole) connection.blackhole();
    else if (fault.rst !== undefined && fault.rst !== false) {
      this.wire.reset(fault.rst === true ? constants.NGHTTP2_REFUSED_STREAM : fault.rst);
      this.abandon();
    } else if (fault.goaway) {
      const debug = typeof fault.goaway === 'string' ? fault.goaway : undefined;
      connection.goawayAt(this.streamId - 2, constants.NGHTTP2_NO_ERROR, debug);
    } else if (fault.status !== undefined) {
      this.answer(this.faultAnswer(request, fault.status, fault), fault.reason ?? 'fault');
    }
    return this.settled;
  }

  private faultAnswer(request: ReceivedRequest, status: number, fault: FaultAction): Answer {
    const answer = this.desk.rules.failure(status, fault.reason, request);
    const headers = { ...answer.headers, ...fault.headers };
    if (fault.body === undefined) return { ...answer, headers };
    if (typeof fault.body !== 'string') return { status, headers, body: JSON.stringify(fault.body) };
    return { status, headers: { ...headers, 'content-type': 'text/plain', ...fault.headers }, body: fault.body };
  }

  private acceptThenCut(kind: NonNullable<FaultAction['acceptThenCut']>): void {
    this.leave();
    if (kind === 'tcpReset') this.connection.tcpReset();
    else if (kind === 'blackhole') this.connection.blackhole();
    else if (kind === 'rst') this.wire.reset(constants.NGHTTP2_INTERNAL_ERROR);
    else this.connection.fin();
  }

  recordAnswerLost(): void {
    this.leave();
  }

  /** The answer does not reach the sender. A message that had arrived by then stays recorded. */
  leave(): void {
    if (this.settled) return;
    if (this.recorded.length === 0) return this.abandon();
    const { ledger, counters } = this.desk;
    counters.answersLost += this.recorded.filter(({ answerLost }) => !answerLost).length;
    for (const entry of this.recorded) ledger.loseAnswer(entry);
    this.settle();
  }

  abandon(): void {
    if (this.settled) return;
    const { ledger, counters } = this.desk;
    counters.unanswered += 1;
    counters.accepted -= this.recorded.length;
    counters.answersLost -= this.recorded.filter(({ answerLost }) => answerLost).length;
    for (const entry of this.recorded) ledger.withdraw(entry);
    this.settle();
  }

  refuse(): void {
    this.wire.reset(constants.NGHTTP2_REFUSED_STREAM);
    this.abandon();
  }

  private answer(answer: Answer, reason: string): void {
    this.desk.counters.countAnswer(answer.status, reason);
    if (this.streamId > this.connection.highestAnswered) this.connection.highestAnswered = this.streamId;
    this.wire.write(answer, this.fault?.spoil);
    this.settle();
  }

  private record(answerLost: boolean): void {
    const { ledger, counters, rules } = this.desk;
    counters.accepted += this.acceptances.length;
    if (answerLost) counters.answersLost += this.acceptances.length;
    this.recorded = this.acceptances.map((acceptance) => ({
      ...acceptance,
      provider: rules.name,
      receivedAt: Date.now(),
      connection: this.connection.id,
      stream: this.streamId,
      headers: this.request?.headers ?? {},
      answerLost,
    }));
    for (const entry of this.recorded) ledger.record(entry);
  }

  private settle(): void {
    this.settled = true;
    this.connection.inFlight.delete(this);
    if (this.connection.draining) this.connection.closeWhenAnswered();
  }
}
