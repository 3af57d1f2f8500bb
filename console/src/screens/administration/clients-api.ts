import { useSuspenseQuery } from '@tanstack/react-query';
import { api, bodyOf } from '../../api/client';
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

/** Only fields that were changed: a field that another administrator changed meanwhile is not written back. */
export function changeClient(runtimeName: string, clientId: string, body: ChangedFields) {
  return bodyOf(api.PATCH(`${BASE}/{clientId}`, { params: { path: { runtimeName, clientId } }, body }));
}

export function rotateSecret(runtimeName: string, clientId: string, overlapSeconds: number) {
  return bodyOf(
    api.POST(`${BASE}/{clientId}/secret`, { params: { path: { runtimeName, clientId } }, body: { overlapSeconds } }),
  );
}

export function deleteClient(runtimeName: string, clientId: string) {
  return bodyOf(api.DELETE(`${BASE}/{clientId}`, { params: { path: { runtimeName, clientId } } }));
}
