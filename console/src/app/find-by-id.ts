import { api, bodyOf } from '../api/client';
import { Failure } from '../api/failure';

export interface Found {
  kind: 'application' | 'message' | 'device' | 'user' | 'campaign' | 'client';
  label: string;
  /** Below /console. */
  path: string;
  search?: Record<string, string>;
}

/** Applications that are asked one after the other until the id is found, so that a search has an end. */
export const MOST = 50;
const AT_ONCE = 5;

/** Everything with exactly this id. An id that the viewer may not read is not found. */
export async function findById(
  id: string,
  runtimeName: string,
  applications: readonly string[],
  signal: AbortSignal,
): Promise<Found[]> {
  const client = foundOf([ofInstallation(id, runtimeName, signal)]);
  const found: Found[] = [];
  for (let at = 0; at < Math.min(MOST, applications.length) && found.length === 0; at += AT_ONCE) {
    const some = applications.slice(at, at + AT_ONCE);
    found.push(...(await foundOf(some.flatMap((applicationId) => inApplication(id, applicationId, signal)))));
  }
  const named = applications
    .filter((application) => application.includes(id))
    .map((application): Found => ({ kind: 'application', label: application, path: below(application) }));
  return [...named, ...found, ...(await client)];
}

/** Throws if one of them got no answer: the id may be there. */
async function foundOf(looks: readonly Promise<Found>[]): Promise<Found[]> {
  const found = await Promise.all(looks.map((look) => look.catch(nullIfNotFound)));
  return found.filter((one) => one !== null);
}

/** 400: an id that this kind cannot have. */
function nullIfNotFound(error: unknown): null {
  if (error instanceof Failure && (error.isForbidden || error.isMissing || error.status === 400)) return null;
  throw error;
}

function below(application: string, rest = ''): string {
  return `/apps/${encodeURIComponent(application)}${rest}`;
}

async function ofInstallation(id: string, runtimeName: string, signal: AbortSignal): Promise<Found> {
  const { displayName } = await bodyOf(
    api.GET('/mfpadmin/management-apis/2.0/runtimes/{runtimeName}/confidentialclients/{clientId}', {
      params: { path: { runtimeName, clientId: id } },
      signal,
    }),
  );
  return { kind: 'client', label: displayName, path: '/administration/clients', search: { find: id } };
}

function inApplication(id: string, applicationId: string, signal: AbortSignal): Promise<Found>[] {
  const path = encodeURIComponent(id);
  return [
    bodyOf(
      api.GET('/imfpush/v1/apps/{applicationId}/messages/{messageId}', {
        params: { path: { applicationId, messageId: id } },
        signal,
      }),
    ).then((): Found => ({
      kind: 'message',
      label: `${id} · ${applicationId}`,
      path: below(applicationId, `/messages/${path}`),
    })),
    bodyOf(
      api.GET('/imfpush/v1/apps/{applicationId}/devices/{deviceId}', {
        params: { path: { applicationId, deviceId: id } },
        signal,
      }),
    ).then((): Found => ({
      kind: 'device',
      label: `${id} · ${applicationId}`,
      path: below(applicationId, `/devices/${path}`),
    })),
    bodyOf(
      api.GET('/imfpush/v1/apps/{applicationId}/users/{userId}', {
        params: { path: { applicationId, userId: id }, query: { size: 1 } },
        signal,
      }),
    ).then((): Found => ({
      kind: 'user',
      label: `${id} · ${applicationId}`,
      path: below(applicationId, `/users/${path}`),
    })),
    bodyOf(
      api.GET('/imfpush/v1/apps/{applicationId}/campaigns/{campaignId}', {
        params: { path: { applicationId, campaignId: id } },
        signal,
      }),
    ).then(({ name }): Found => ({
      kind: 'campaign',
      label: `${name} · ${applicationId}`,
      path: below(applicationId, `/campaigns/${path}`),
    })),
  ];
}
