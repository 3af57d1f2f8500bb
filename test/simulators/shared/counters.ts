/** The first request refused for a reason, as an example for the author of the sender. */
export interface FirstRefusal {
  reason: string;
  path: string;
  detail?: string;
}

export interface CounterReport {
  /** Messages taken, whether or not the sender was told. */
  accepted: number;
  /** Of `accepted`, the number without an answer. */
  answersLost: number;
  /** Requests neither processed nor answered: reset, refused by GOAWAY, cut, black-holed, given up by the client. */
  unanswered: number;
  /** Answers by status and reason, e.g. `"400 BadDeviceToken": 3`; accepted messages are under `"200"`. */
  answers: Record<string, number>;
  connectionsOpened: number;
  connectionsOpen: number;
  /** HTTP/2 protocol faults of clients, among them more streams than allowed. */
  protocolErrors: number;
  /** The maximum of concurrently open streams on one connection. */
  peakStreams: number;
  firstRefusals: FirstRefusal[];
}

/** Counts of one provider's answers. */
export class Counters {
  accepted = 0;
  answersLost = 0;
  unanswered = 0;
  connectionsOpened = 0;
  protocolErrors = 0;
  peakStreams = 0;
  private readonly answers = new Map<string, number>();
  private readonly firstRefusals = new Map<string, FirstRefusal>();

  countAnswer(status: number, reason: string): void {
    const key = reason === '' ? String(status) : `${status} ${reason}`;
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1);
  }

  /** Keeps the first of each reason only. */
  noteRefusal(refusal: FirstRefusal): void {
    if (!this.firstRefusals.has(refusal.reason)) this.firstRefusals.set(refusal.reason, refusal);
  }

  report(connectionsOpen: number): CounterReport {
    const { accepted, answersLost, unanswered, connectionsOpened, protocolErrors, peakStreams } = this;
    return {
      accepted,
      answersLost,
      unanswered,
      answers: Object.fromEntries(this.answers),
      connectionsOpened,
      connectionsOpen,
      protocolErrors,
      peakStreams,
      firstRefusals: [...this.firstRefusals.values()],
    };
  }
}
