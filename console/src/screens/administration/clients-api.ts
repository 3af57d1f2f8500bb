import { useSuspenseQuery } from '@tanstack/react-query';
import { api, bodyOf, versionOf } from '../../api/client';
import type { components } from '../../api/schema';
import { startQuery } from '../../api/session';

export type Client = components['schemas']['ClientAnswer'];
export type NewClient = components['schemas']['NewClientDto'];
export type ChangedFields = components['schemas']['ChangeClientDto'];

export const CLIENTS_KEY = ['clients'];

/** A part of the paths of administration: RUNTIME_NAME. */
export function useRuntimeName(): string {
  return useSuspenseQuery(startQuery).data.runtimeName;
}

const BASE = '/mfpadmin/management-apis/2.0/runtimes/{runtimeName}/confidentialclients';

export async function readClients(runtimeName: string, options: object): Promise<Client[]> {
  const { clients } = await bodyOf(api.GET(BASE, { params: { path: { runtimeName } }, ...options }));
  return clients;
}

export function createClient(runtimeName: string, body: NewClient) {
  return bodyOf(api.POST(BASE, { params: { path: { runtimeName } }, body }));
}

export function readClient(runtimeName: string, clientId: string) {
  return versionOf(api.GET(`${BASE}/{clientId}`, { params: { path: { runtimeName, clientId } } }));
}

/** Only fields that were changed. Refused with 412 if the client is no longer of this revision. */
export function changeClient(runtimeName: string, clientId: string, body: ChangedFields, etag: string) {
  const params = { path: { runtimeName, clientId }, header: { 'If-Match': etag } };
  return bodyOf(api.PATCH(`${BASE}/{clientId}`, { params, body }));
}

export function rotateSecret(runtimeName: string, clientId: string, overlapSeconds: number) {
  return bodyOf(
    api.POST(`${BASE}/{clientId}/secret`, { params: { path: { runtimeName, clientId } }, body: { overlapSeconds } }),
  );
}

/** Refused with 412 if the client is no longer of this revision. */
export function deleteClient(runtimeName: string, clientId: string, etag: string) {
  const params = { path: { runtimeName, clientId }, header: { 'If-Match': etag } };
  return bodyOf(api.DELETE(`${BASE}/{clientId}`, { params }));
}
