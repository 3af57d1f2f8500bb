import type { DeviceAttributes } from '../database/tables.js';
import type { ProviderName } from '../providers/provider.js';

/** Registrations of devices, and which of several conflict with each other, pure. */

export interface DeviceRegistration {
  deviceId: string;
  platform: string;
  provider: ProviderName;
  token: string;
  /** Identifies the token at the provider (device-token.ts). */
  identity: string;
  userId: string | null;
  phoneNumber: string | null;
  userAgent: string | null;
  /**
   * Undefined, here and in the next three members: keep the value, because SDKs do not know these fields and would
   * erase a backend's values. Null: clear it.
   */
  language?: string | null;
  timeZone?: string | null;
  appVersion?: string | null;
  attributes?: DeviceAttributes | null;
}

/** A device of an import. `tagNames`: all its subscriptions; absent: keep the current ones. */
export interface ImportedDevice extends DeviceRegistration {
  tagNames?: readonly string[];
}

/** A registration that was requested. */
export interface Registration {
  applicationId: string;
  device: DeviceRegistration;
  now: Date;
}

/** The members that decide a conflict: device id, provider and token. */
export type Holder = Pick<DeviceRegistration, 'deviceId' | 'provider' | 'identity'>;

/** The registrations that remain if all are applied in order, and the ids whose token moved to another. */
export function lastOfEach<D extends Holder>(devices: readonly D[]): { last: D[]; ended: string[] } {
  const byId = new Map<string, D>();
  const holders = new Map<string, string>();
  const ended = new Set<string>();
  for (const device of devices) {
    const before = byId.get(device.deviceId);
    if (before) holders.delete(tokenKey(before));
    const holder = holders.get(tokenKey(device));
    if (holder !== undefined && holder !== device.deviceId) {
      byId.delete(holder);
      ended.add(holder);
    }
    byId.set(device.deviceId, device);
    holders.set(tokenKey(device), device.deviceId);
    ended.delete(device.deviceId);
  }
  return { last: [...byId.values()], ended: [...ended] };
}

/** The seqs of the newest registration for each key. */
export function newestOfEach(devices: readonly { seq: number; key: string; registered_at: Date }[]): Set<number> {
  const newest = new Map<string, (typeof devices)[number]>();
  for (const device of devices) {
    const other = newest.get(device.key);
    const isNewer = !other || other.registered_at < device.registered_at;
    const isLater = other?.registered_at.getTime() === device.registered_at.getTime() && other.seq < device.seq;
    if (isNewer || isLater) newest.set(device.key, device);
  }
  return new Set([...newest.values()].map(({ seq }) => seq));
}

/** Unique within an application. */
function tokenKey({ provider, identity }: Holder): string {
  return `${provider} ${identity}`;
}

/** Groups registrations by application, and separates those that share an id or token. */
export function apart(list: readonly Registration[]): { groups: Registration[][]; later: Registration[] } {
  const groups = new Map<string, Registration[]>();
  const later: Registration[] = [];
  const taken = new Set<string>();
  for (const registration of list) {
    const { applicationId, device } = registration;
    const keys = [`id ${applicationId} ${device.deviceId}`, `token ${applicationId} ${tokenKey(device)}`];
    const group = groups.get(applicationId);
    if (keys.some((key) => taken.has(key))) later.push(registration);
    else if (group) group.push(registration);
    else groups.set(applicationId, [registration]);
    for (const key of keys) taken.add(key);
  }
  return { groups: [...groups.values()], later };
}
