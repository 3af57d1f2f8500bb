import { api, bodyOf, versionOf } from '../../api/client';
import { CALM_MS, LIVE_MS, reading } from '../../api/read';
import type { components } from '../../api/schema';

type Schemas = components['schemas'];
export type ListedCampaign = Schemas['CampaignAnswer'];
/** With the ETag of its definition, which a change names. */
export type Campaign = ListedCampaign & { etag: string };
export type Run = Schemas['RunAnswer'];
export type CalendarFiring = Schemas['CalendarFiringAnswer'];

/** Campaigns of a page of the list. */
export const PAGE = 50;
const RUNS = 20;
const FIRINGS = 5;

const BASE = '/imfpush/v1/apps/{applicationId}/campaigns';

export const campaignsKey = (applicationId: string) => ['campaigns', applicationId];

export function campaignsQuery(applicationId: string, after: string | undefined) {
  return reading(
    [...campaignsKey(applicationId), 'list', after],
    async (options) => {
      const query = { limit: PAGE, ...(after !== undefined && { after }) };
      return (await bodyOf(api.GET(BASE, { params: { path: { applicationId }, query }, ...options }))).campaigns;
    },
    CALM_MS,
  );
}

export function campaignQuery(applicationId: string, campaignId: string) {
  return reading(
    [...campaignsKey(applicationId), campaignId],
    async (options): Promise<Campaign> => {
      const request = api.GET(`${BASE}/{campaignId}`, { params: { path: { applicationId, campaignId } }, ...options });
      const { body, etag } = await versionOf(request);
      return { ...body, etag: etag ?? '' };
    },
    CALM_MS,
  );
}

/** Counts the audience, so it is read once and not on a timer. */
export function previewQuery(applicationId: string, campaignId: string, lastUpdatedTime: string) {
  return {
    ...reading([...campaignsKey(applicationId), campaignId, 'preview', lastUpdatedTime], (options) =>
      bodyOf(
        api.GET(`${BASE}/{campaignId}/preview`, {
          params: { path: { applicationId, campaignId }, query: { count: FIRINGS } },
          ...options,
        }),
      ),
    ),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  };
}

export function runsQuery(applicationId: string, campaignId: string) {
  return reading(
    [...campaignsKey(applicationId), campaignId, 'runs'],
    async (options) =>
      (
        await bodyOf(
          api.GET(`${BASE}/{campaignId}/runs`, {
            params: { path: { applicationId, campaignId }, query: { limit: RUNS } },
            ...options,
          }),
        )
      ).runs,
    (runs) => (runs?.some(isMoving) ? LIVE_MS : CALM_MS),
  );
}

export function runQuery(applicationId: string, campaignId: string, runId: number) {
  return reading(
    [...campaignsKey(applicationId), campaignId, 'runs', runId],
    (options) =>
      bodyOf(
        api.GET(`${BASE}/{campaignId}/runs/{runId}`, {
          params: { path: { applicationId, campaignId, runId } },
          ...options,
        }),
      ),
    (run) => (run && isMoving(run) ? LIVE_MS : CALM_MS),
  );
}

export function firingsQuery(applicationId: string, from: string, to: string) {
  return reading(
    [...campaignsKey(applicationId), 'firings', from, to],
    (options) =>
      bodyOf(api.GET(`${BASE}:firings`, { params: { path: { applicationId }, query: { from, to } }, ...options })),
    CALM_MS,
  );
}

export async function countShared(applicationId: string, campaignIds: string[]) {
  const request = api.POST(`${BASE}:shared`, { params: { path: { applicationId } }, body: { campaignIds } });
  return (await bodyOf(request)).pairs;
}

/** A run is sent when its messages exist; its deliveries may still be open. */
function isMoving({ state, outcomes }: Run): boolean {
  return state === 'running' || (outcomes?.pending ?? 0) + (outcomes?.inFlight ?? 0) > 0;
}
