import { createHash } from 'node:crypto';

/** The way out of an application's messages, pure: from here, through its upstream, or both for a share of its users. */

export const MODES = ['direct', 'upstream', 'both'] as const;
export type Mode = (typeof MODES)[number];

export interface Route {
  mode: Mode;
  /** Per cent of users whose messages go direct in mode `both`. */
  share: number;
}

/** `visible`: the readable part of the application's upstream settings; null without any. */
export function readRoute(visible: Record<string, unknown> | null): Route {
  const mode = MODES.find((known) => known === visible?.mode) ?? 'direct';
  return { mode, share: typeof visible?.share === 'number' ? visible.share : 0 };
}

/**
 * Whether a user is of the share that goes direct: by a hash, so the answer is the same in every process and for ever, and
 * who is in at 10 % is in at 20 %. A device without a user stands for itself, by its id.
 */
export function isInShare(userOrDeviceId: string, share: number): boolean {
  const hash = createHash('sha256').update(userOrDeviceId).digest().readUInt32BE(0);
  return hash / 2 ** 32 < share / 100;
}

/** What a relayed request carries (RFC 9110 §7.6.3), so that two servers which relay to each other notice it. */
export const VIA = '1.1 carillon';

export function isRelayed(via: string | undefined): boolean {
  return via?.split(',').some((hop) => hop.trim().startsWith(VIA)) ?? false;
}

/** Fields of a request that speak to this server (its extensions) and that MobileFirst does not know. */
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
 * What the upstream is sent: the caller's own request, without what was meant for this server alone, and when its target
 * was divided with that part of the list that goes upstream.
 */
export function relayBody(
  request: Record<string, unknown>,
  part?: { list: IdList; ids: string[]; target: object },
): Record<string, unknown> {
  const body = Object.fromEntries(Object.entries(request).filter(([name]) => !OURS.has(name)));
  if (!part) return body;
  const target = { ...part.target, [part.list]: part.ids };
  // One vendor sample has its target inside the settings by a misplaced brace: two targets would be one too many.
  const { target: misplaced, ...settings } = (body.settings ?? {}) as Record<string, unknown>;
  return { ...body, ...(misplaced !== undefined && { settings }), target };
}
