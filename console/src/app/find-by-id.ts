import { api, bodyOf } from '../api/client';

export interface Found {
  kind: 'application' | 'message' | 'device' | 'user' | 'campaign' | 'client';
  label: string;
  /** Below /console. */
  path: string;
  search?: Record<string, string>;
}

/** Applications that are asked at once, so that a search costs a known number of requests. */
const MOST = 5;

/** Everything with exactly this id. An id that the viewer may not read is not found. */
export async function findById(
  id: string,
  runtimeName: string,
  applications: readonly string[],
  signal: AbortSignal,
): Promise<Found[]> {
  const kinds = applications.slice(0, MOST).flatMap((applicationId) => inApplication(id, applicationId, signal));
  const looks = [...kinds, ofInstallation(id, runtimeName, signal)];
  const found = await Promise.all(looks.map((look) => look.catch(() => null)));
  const named = applications
    .filter((application) => application.includes(id))
    .map((application): Found => ({ kind: 'application', label: application, path: below(application) }));
  return [...named, ...found.filter((one) => one !== null)];
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
