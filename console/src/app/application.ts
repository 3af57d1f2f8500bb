import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api, bodyOf } from '../api/client';
import { Failure } from '../api/failure';
import { CALM_MS, reading } from '../api/read';
import { useSession } from '../parts/scoped';

/** The application of the address; null on a screen of the whole installation. */
export function useApplication(): string | null {
  const { app } = useParams({ strict: false });
  return app ?? null;
}

/** Ids beyond these are found by typing. */
const SHOWN = 100;

const PREFIX = 'push.application.';

/** The applications that the viewer may choose: by the API, or, without the right to list them, those of the scope. */
export function useApplications() {
  const { scope, applications } = useSession();
  return useQuery(
    reading(
      ['applications'],
      async (options): Promise<string[]> => {
        const own =
          applications ?? scope.filter((element) => element.startsWith(PREFIX)).map((one) => one.slice(PREFIX.length));
        try {
          const request = api.GET('/imfpush/v1/apps', { params: { query: { size: SHOWN } }, ...options });
          return (await bodyOf(request)).applications.map(({ applicationId }) => applicationId);
        } catch (error) {
          if (error instanceof Failure && error.isForbidden) return own.filter((id) => !id.includes('*'));
          throw error;
        }
      },
      CALM_MS,
    ),
  );
}
