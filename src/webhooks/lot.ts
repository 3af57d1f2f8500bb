import { waitAfter } from './webhook.js';

export interface WebhookEvent {
  id: number;
  /** As receivers see it: the same for every repetition, and for all webhooks. */
  eventId: string;
  /** JSON text. */
  body: string;
  /** Events with the same subject are sent one after another. Null: no ordering. */
  subject: string | null;
  /** Failed tries of this event. */
  tries: number;
}

export interface FailedEvent {
  id: number;
  subject: string | null;
  tries: number;
  waitMs: number;
}

/** Why an endpoint did not accept an event. */
export interface Refusal {
  reason: string;
  /** The wait that the endpoint asked for. */
  waitMs?: number;
  /** The endpoint wants no more events. */
  isGone?: boolean;
}

export interface LotResult {
  delivered: number[];
  failed: FailedEvent[];
  /** Error of the last event that failed. */
  error: string | null;
  /** True if the endpoint fails, and not single events. */
  isFailing: boolean;
  /** The longest wait that the endpoint asked for. */
  waitMs: number;
  /** The endpoint wants no more events. */
  isGone: boolean;
}

/** Concurrent requests to one endpoint. */
export const IN_FLIGHT = 16;
/**
 * The endpoint counts as failing after this many failed tries in a row, each of another subject; after fewer, the
 * events do.
 */
const ENDPOINT_FAILS = 4;

/** Groups events by subject, in their order. */
function chainsOf(events: readonly WebhookEvent[]): WebhookEvent[][] {
  const chains = new Map<string | number, WebhookEvent[]>();
  for (const event of events) {
    const key = event.subject ?? event.id;
    const chain = chains.get(key);
    if (chain) chain.push(event);
    else chains.set(key, [event]);
  }
  return [...chains.values()];
}

/**
 * Sends the events of one endpoint, several subjects concurrently. If an event fails, the later events of its subject
 * wait. If the endpoint `failed` before, it is tried with a single event, a different one each time, and the rest
 * follows after a success. If the endpoint asks for a wait or for no more events, the lot ends. `send` returns null if
 * the event was accepted.
 */
export async function deliverLot(
  events: readonly WebhookEvent[],
  failed: boolean,
  send: (event: WebhookEvent) => Promise<Refusal | null>,
  isTimeOver: () => boolean,
): Promise<LotResult> {
  const chains = chainsOf(events);
  const result: LotResult = { delivered: [], failed: [], error: null, isFailing: failed, waitMs: 0, isGone: false };
  const isOver = (): boolean => result.isGone || result.waitMs > 0 || isTimeOver();
  let failuresInRow = 0;
  /** Returns false if the chain ends here. */
  const sendOne = async (event: WebhookEvent): Promise<boolean> => {
    const refusal = await send(event);
    if (refusal === null) {
      failuresInRow = 0;
      result.delivered.push(event.id);
      return true;
    }
    failuresInRow++;
    result.error = refusal.reason;
    result.waitMs = Math.max(result.waitMs, refusal.waitMs ?? 0);
    result.isGone ||= refusal.isGone === true;
    const tries = event.tries + 1;
    result.failed.push({ id: event.id, subject: event.subject, tries, waitMs: waitAfter(tries, Math.random()) });
    return false;
  };
  if (failed && !isOver()) {
    const triesOf = (chain: readonly WebhookEvent[]): number => chain[0]?.tries ?? 0;
    const probe = chains.reduce<WebhookEvent[]>(
      (least, chain) => (least.length === 0 || triesOf(chain) < triesOf(least) ? chain : least),
      [],
    );
    const [first] = probe;
    if (!first || !(await sendOne(first))) return result;
    probe.shift();
  }
  const waiting = chains.values();
  const lane = async (): Promise<void> => {
    for (const chain of waiting)
      for (const event of chain) {
        if (failuresInRow >= IN_FLIGHT || isOver()) return;
        if (!(await sendOne(event))) break;
      }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  if (result.delivered.length > 0 || failuresInRow > 0) result.isFailing = failuresInRow >= ENDPOINT_FAILS;
  return result;
}
