import type { DeviceAttributes } from '../database/tables.js';
import type { ProviderName } from '../providers/provider.js';

/** A device's registration, and which of several stand in each other's way, pure. */

export interface DeviceRegistration {
  deviceId: string;
  platform: string;
  provider: ProviderName;
  token: string;
  /** What the token means (device-token.ts). */
  identity: string;
  userId: string | null;
  phoneNumber: string | null;
  userAgent: string | null;
  /**
   * Left out here and in the next three: as it was, for SDKs know nothing of them and would erase what a backend has set.
   * Null: none.
   */
  language?: string | null;
  timeZone?: string | null;
  appVersion?: string | null;
  attributes?: DeviceAttributes | null;
}

/** One of many; `tagNames`: all that it is subscribed to afterwards, absent: what it was. */
export interface ImportedDevice extends DeviceRegistration {
  tagNames?: readonly string[];
}

/** One that is asked for now. */
export interface Registration {
  applicationId: string;
  device: DeviceRegistration;
  now: Date;
}

/** Whose a token is. */
export type Holder = Pick<DeviceRegistration, 'deviceId' | 'provider' | 'identity'>;

/** Those that stay when they come one after the other, and the ids whose token went on to another. */
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

/** The seqs of those that registered last of all with their key. */
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

/** Of its application. */
function tokenKey({ provider, identity }: Holder): string {
  return `${provider} ${identity}`;
}

/** By application, those of different ids and tokens. */
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
