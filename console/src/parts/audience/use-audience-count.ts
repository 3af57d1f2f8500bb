import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
import type { components } from '../../api/schema';
import type { ReadAudience } from './audience';

export type Counted = components['schemas']['AudienceCountAnswer'];

const PAUSE_MS = 300;

interface CountState {
  /** Of exactly this target; undefined while it is counted. */
  count: Counted | undefined;
  error: Error | null;
  retry: () => void;
}

/** The size of an audience. A count belongs to the target that it was asked for, however late its answer comes. */
export function useAudienceCount(applicationId: string, audience: ReadAudience): CountState {
  const key = 'problem' in audience ? null : JSON.stringify(audience.target ?? null);
  const [asked] = useDebouncedValue(key, PAUSE_MS);
  const { data, error, refetch } = useQuery({
    queryKey: ['audience-count', applicationId, asked],
    queryFn: ({ signal }) => countAudience(applicationId, asked, signal),
    enabled: asked !== null && asked === key,
    staleTime: 10_000,
  });
  const isCurrent = key !== null && asked === key;
  return {
    count: isCurrent ? data : undefined,
    error: isCurrent && data === undefined ? error : null,
    retry: () => void refetch(),
  };
}

function countAudience(applicationId: string, key: string | null, signal: AbortSignal): Promise<Counted> {
  const target = JSON.parse(key ?? 'null') as Record<string, unknown> | null;
  return bodyOf(
    api.POST('/imfpush/v1/apps/{applicationId}/audience:count', {
      params: { path: { applicationId } },
      body: target === null ? {} : { target },
      signal,
    }),
  );
}
