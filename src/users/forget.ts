import { isJsonObject } from '../common/json.js';
import type { Target } from '../database/tables.js';

/** Replaces a user's id and device ids by a pseudonym wherever a message or a campaign names them. Pure. */

export interface Person {
  userId: string;
  deviceIds: ReadonlySet<string>;
  pseudonym: string;
}

/** Parts of a stored message that may name users. */
export interface NamingMessage {
  target: Target;
  /** The request body as received. */
  body: Record<string, unknown>;
  /** The request to the upstream; null without an upstream. */
  relay: Record<string, unknown> | null;
}

/** `alone`: the message has no other recipient, here or at the upstream. */
export function forgetIn({ target, body, relay }: NamingMessage, person: Person): NamingMessage & { alone: boolean } {
  const lists = [target, relay?.target].filter(isJsonObject);
  return {
    target: forgetTarget(target, person) as Target,
    body: forgetBody(body, person),
    relay: relay && withoutPerson(relay, person),
    alone: lists.some((list) => idsOf(list).length > 0) && lists.every((list) => isOnly(list, person)),
  };
}

/** A list with ids never becomes empty, because an empty list could mean all devices. */
export function forgetTarget(target: unknown, { userId, deviceIds, pseudonym }: Person): unknown {
  if (!isJsonObject(target)) return target;
  const changed: Record<string, unknown> = { ...target };
  if ('userIds' in target) changed.userIds = replaceIn(target.userIds, (id) => id === userId, pseudonym);
  if ('deviceIds' in target) changed.deviceIds = replaceIn(target.deviceIds, (id) => deviceIds.has(id), pseudonym);
  return changed;
}

/** The target of a request is beside or inside the settings, and `data` has user ids as keys. */
function forgetBody(body: Record<string, unknown>, person: Person): Record<string, unknown> {
  const { settings, data } = body;
  return {
    ...body,
    ...('target' in body && { target: forgetTarget(body.target, person) }),
    ...(isJsonObject(settings) &&
      'target' in settings && { settings: { ...settings, target: forgetTarget(settings.target, person) } }),
    ...(isJsonObject(data) && {
      data: Object.fromEntries(Object.entries(data).filter(([name]) => name !== person.userId)),
    }),
  };
}

/** Drops the id in place of using the pseudonym if other ids stay, because the upstream may refuse an unknown id. */
function withoutPerson(relay: Record<string, unknown>, person: Person): Record<string, unknown> {
  const { target } = relay;
  if (!isJsonObject(target) || isOnly(target, person)) return forgetBody(relay, person);
  const others: Record<string, unknown> = { ...target };
  for (const list of ['userIds', 'deviceIds'] as const)
    if (Array.isArray(target[list])) others[list] = target[list].filter((id) => !isOf(list, id, person));
  return forgetBody({ ...relay, target: others }, person);
}

function isOnly(target: Record<string, unknown>, person: Person): boolean {
  return idsOf(target).every(([list, id]) => isOf(list, id, person)) && target.tagNames === undefined;
}

function idsOf(target: Record<string, unknown>): ['userIds' | 'deviceIds', unknown][] {
  return (['userIds', 'deviceIds'] as const).flatMap((list) =>
    Array.isArray(target[list]) ? (target[list] as unknown[]).map((id): [typeof list, unknown] => [list, id]) : [],
  );
}

function isOf(list: 'userIds' | 'deviceIds', id: unknown, { userId, deviceIds }: Person): boolean {
  return list === 'userIds' ? id === userId : typeof id === 'string' && deviceIds.has(id);
}

function replaceIn(ids: unknown, isTheirs: (id: string) => boolean, pseudonym: string): unknown {
  if (!Array.isArray(ids)) return ids;
  return [...new Set(ids.map((id: unknown) => (typeof id === 'string' && isTheirs(id) ? pseudonym : id)))];
}
