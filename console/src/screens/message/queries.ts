import type { QueryClient } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, LIVE_MS, reading } from '../../api/read';
import type { Reading } from '../../api/read';
import { hasEnded } from '../../parts/message-state';
import type { Outcome } from '../../parts/outcomes';

export interface MessagePath {
  applicationId: string;
  messageId: string;
}

async function readMessage(path: MessagePath, options: Reading) {
  return bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/messages/{messageId}', { params: { path }, ...options }));
}

export type Report = Awaited<ReturnType<typeof readMessage>>;

export function messageQuery(path: MessagePath) {
  return reading(
    ['message', path],
    (options) => readMessage(path, options),
    (report) => (report && hasEnded(report) ? CALM_MS : LIVE_MS),
  );
}

export interface DeliveriesFilter {
  outcome?: Outcome;
  provider?: string;
  deviceId?: string;
  after?: string;
}

const DELIVERIES_SHOWN = 50;

export interface Delivery {
  /** Null: the device is no longer registered. */
  deviceId: string | null;
  userId?: string;
  platform?: string;
  provider: string;
  outcome: string;
  reason?: string;
  attempts: number;
  retryTime?: string;
}

interface DeliveriesPage {
  deliveries: Delivery[];
  next?: string;
}

async function readDeliveries(path: MessagePath, query: object, options: Reading): Promise<DeliveriesPage> {
  const request = api.GET('/imfpush/v1/apps/{applicationId}/messages/{messageId}/deliveries', {
    params: { path, query },
    ...options,
  });
  // The document has the lines of the export beside the page: the header Accept decides.
  return (await bodyOf(request)) as DeliveriesPage;
}

/** Under another key after the end of the message, so that no row shows an outcome from before. */
export function deliveriesQuery(path: MessagePath, filter: DeliveriesFilter, isOver: boolean) {
  const query = { size: DELIVERIES_SHOWN, ...filter };
  return reading(
    ['deliveries', path, query, isOver],
    (options) => readDeliveries(path, query, options),
    isOver ? CALM_MS : 2 * LIVE_MS,
  );
}

/** The API's longest page: reasons are ranked over the first of each outcome, so that a million cost no more. */
export const REASONS_FROM = 1_000;
const WITH_REASONS = ['rejected', 'failed', 'unknown', 'pending'] as const;

export interface RankedReason {
  outcome: Outcome;
  provider: string;
  reason: string;
  count: number;
}

/** `outcomes`: their numbers, so that nothing is asked of an outcome that has no deliveries. */
export function reasonsQuery(path: MessagePath, outcomes: Readonly<Record<string, number>>) {
  const asked = WITH_REASONS.filter((outcome) => (outcomes[outcome] ?? 0) > 0);
  return reading(
    ['reasons', path, asked],
    async (options): Promise<RankedReason[]> => {
      const pages = await Promise.all(
        asked.map((outcome) => readDeliveries(path, { outcome, size: REASONS_FROM }, options)),
      );
      const counts = new Map<string, RankedReason>();
      for (const { outcome, provider, reason } of pages.flatMap(({ deliveries }) => deliveries)) {
        if (reason === undefined) continue;
        const key = JSON.stringify([outcome, provider, reason]);
        const known = counts.get(key) ?? { outcome: outcome as Outcome, provider, reason, count: 0 };
        counts.set(key, { ...known, count: known.count + 1 });
      }
      return [...counts.values()].toSorted((a, b) => b.count - a.count);
    },
    CALM_MS,
  );
}

/** After an act: everything of the message is read again. */
export async function readAgain(queries: QueryClient, path: MessagePath): Promise<void> {
  await Promise.all(
    ['message', 'deliveries', 'reasons'].map((name) => queries.invalidateQueries({ queryKey: [name, path] })),
  );
}
