import type { QueryClient } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import { CALM_MS, LIVE_MS, reading } from '../../api/read';
import type { Reading } from '../../api/read';
import type { components } from '../../api/schema';
import { hasEnded } from '../../parts/message-state';
import type { Outcome } from '../../parts/outcomes';

export interface MessagePath {
  applicationId: string;
  messageId: string;
}

export type Report = components['schemas']['FullMessageAnswer'];
type DeliveriesPage = components['schemas']['DeliveryListAnswer'];

export function messageQuery(path: MessagePath) {
  return reading(
    ['message', path],
    (options): Promise<Report> =>
      bodyOf(api.GET('/imfpush/v1/apps/{applicationId}/messages/{messageId}', { params: { path }, ...options })),
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

/** Read again only while outcomes still change. */
export function reasonsQuery(path: MessagePath, isOver: boolean) {
  return reading(
    ['reasons', path, isOver],
    (options) =>
      bodyOf(
        api.GET('/imfpush/v1/apps/{applicationId}/messages/{messageId}/reasons', { params: { path }, ...options }),
      ),
    () => !isOver && CALM_MS,
  );
}

export function contentQuery(path: MessagePath) {
  return reading(['content', path], (options) =>
    bodyOf(
      api.GET('/imfpush/v1/apps/{applicationId}/messages/{messageId}/renderings', { params: { path }, ...options }),
    ),
  );
}

/** After an act: everything of the message is read again. */
export async function readAgain(queries: QueryClient, path: MessagePath): Promise<void> {
  await Promise.all(
    ['message', 'deliveries', 'reasons'].map((name) => queries.invalidateQueries({ queryKey: [name, path] })),
  );
}
