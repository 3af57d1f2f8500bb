import { waitAfter } from './webhook.js';

export interface WebhookEvent {
  id: number;
  /** JSON text. */
  body: string;
  /** What it tells of: events of one subject are sent one after the other. Null: of nothing that others tell of. */
  subject: string | null;
  /** That failed. */
  tries: number;
}

export interface FailedEvent {
  id: number;
  subject: string | null;
  tries: number;
  waitMs: number;
}

export interface LotResult {
  delivered: number[];
  failed: FailedEvent[];
  /** Of the last event that failed. */
  error: string | null;
  /** It is the endpoint that fails, not single events. */
  isFailing: boolean;
}

/** Requests to one endpoint at once. */
export const IN_FLIGHT = 16;
/** Failed tries in a row, each of another subject, that are the endpoint's fault: fewer are the events'. */
const ENDPOINT_FAILS = 4;

/** The events of each subject in their order. */
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
 * Sends events of one endpoint, of several subjects at once. An event that fails holds up those behind it of its subject. An
 * endpoint that `failed` before is tried with one event, another each time; the rest follows when that passes.
 * `send` answers why an event was not taken, else null.
 */
export async function deliverLot(
  events: readonly WebhookEvent[],
  failed: boolean,
  send: (event: WebhookEvent) => Promise<string | null>,
  isOver: () => boolean,
): Promise<LotResult> {
  const chains = chainsOf(events);
  const result: LotResult = { delivered: [], failed: [], error: null, isFailing: failed };
  let failuresInRow = 0;
  /** False: the chain ends here. */
  const sendOne = async (event: WebhookEvent): Promise<boolean> => {
    const error = await send(event);
    if (error === null) {
      failuresInRow = 0;
      result.delivered.push(event.id);
      return true;
    }
    failuresInRow++;
    result.error = error;
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
