import { queryOptions } from '@tanstack/react-query';
import { REFRESH } from './client';

/** Handed to the request of each read: the end of the screen, and the mark of a refresh. */
export type Reading = {
  signal: AbortSignal;
  headers: Record<string, string>;
};

/** Figures that are on the screen are asked for once a second; TanStack Query pauses in a hidden tab. */
export const LIVE_MS = 1_000;
/** Lists and states beside them. */
export const CALM_MS = 10_000;

/**
 * A read of the API for useQuery. The first read under a key is the viewer's and keeps the session alive; each later
 * one is the page's own and is marked as such. `everyMs`: how often the page asks again, by what it has.
 */
export function reading<T>(
  key: readonly unknown[],
  read: (reading: Reading) => Promise<T>,
  everyMs?: number | ((data: T | undefined) => number | false),
) {
  return queryOptions<T>({
    queryKey: key,
    queryFn: ({ client, signal }) =>
      read({ signal, headers: client.getQueryData(key) === undefined ? {} : { ...REFRESH } }),
    ...(everyMs !== undefined && {
      refetchInterval: (query) => (typeof everyMs === 'number' ? everyMs : everyMs(query.state.data)),
    }),
  });
}
