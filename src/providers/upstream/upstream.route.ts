import { createHash } from 'node:crypto';

/** The route of an application's messages, pure: direct, through its upstream, or both for a share of its users. */

export const MODES = ['direct', 'upstream', 'both'] as const;
export type Mode = (typeof MODES)[number];

export interface Route {
  mode: Mode;
  /** Per cent of users whose messages go direct in mode `both`. */
  share: number;
}

/** `visible`: the readable part of the application's upstream settings; null if there are none. */
export function readRoute(visible: Record<string, unknown> | null): Route {
  const mode = MODES.find((known) => known === visible?.mode) ?? 'direct';
  return { mode, share: typeof visible?.share === 'number' ? visible.share : 0 };
}

/**
 * True if a user belongs to the share that goes direct. A hash decides, so the answer is the same in every process and
 * release, and a user who is in at 10 % is in at 20 %. A device without a user counts by its id.
 */
export function isInShare(userOrDeviceId: string, share: number): boolean {
  const hash = createHash('sha256').update(userOrDeviceId).digest().readUInt32BE(0);
  return hash / 2 ** 32 < share / 100;
}

/** `Via` of a relayed request (RFC 9110 §7.6.3), with which two servers that relay to each other notice the loop. */
export const VIA = '1.1 carillon';

export function isRelayed(via: string | undefined): boolean {
  return via?.split(',').some((hop) => hop.trim().startsWith(VIA)) ?? false;
}

/** Extensions of this server, which MobileFirst does not know. */
const OURS: ReadonlySet<string> = new Set([
  'ttl',
  'onUnknown',
  'sendAt',
  'expiresAt',
  'priority',
  'collapseId',
  'label',
  'data',
  'dryRun',
]);

/** A list of ids in a target. */
export type IdList = 'deviceIds' | 'userIds';

/**
 * The body for the upstream: the caller's request without this server's extensions, and with the upstream's part of a
 * divided target.
 */
export function relayBody(
  request: Record<string, unknown>,
  part?: { list: IdList; ids: string[]; target: object },
): Record<string, unknown> {
  const body = Object.fromEntries(Object.entries(request).filter(([name]) => !OURS.has(name)));
  if (!part) return body;
  const target = { ...part.target, [part.list]: part.ids };
  // One sample of the vendor has its target inside the settings by a misplaced brace, so that target is removed.
  const { target: misplaced, ...settings } = (body.settings ?? {}) as Record<string, unknown>;
  return { ...body, ...(misplaced !== undefined && { settings }), target };
}
