/** A place outside for audit events: a log collector (SIEM) or a file. */
export interface Receiver {
  readonly name: 'syslog' | 'file';
  /** Resolves when the receiver has all events, in order. */
  deliver(events: readonly DeliverableEvent[]): Promise<void>;
}

export interface DeliverableEvent {
  seq: number;
  at: Date;
  action: string;
  outcome: 'done' | 'refused' | 'failed';
  /** The event as the API answers it, as JSON in ASCII. */
  json: string;
}
