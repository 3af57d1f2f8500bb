import { rootCause } from '../../common/errors.js';
import type { Target } from '../../database/tables.js';
import { readContent } from '../campaign-content.js';
import { newMessageId } from '../../messages/send/message-id.js';
import { readTiming } from '../../messages/request/timing.js';
import { waveOverlap } from '../campaign.js';
import type { Definition } from '../campaign.js';
import { DISABLED, UNDER_WAY } from '../reason.js';
import { readTarget, unknownAudience, withAudience } from '../../messages/request/target.js';
import { planFirings, planNext } from './firing.js';
import type { DueCampaign, NextFiring, Planned } from './firing.js';
import { readSchedule } from '../schedule/schedule.js';
import type { Firing } from '../schedule/schedule.js';
import { toLocal } from '../schedule/time-zone.js';
import { decideWave, planWaves, zonesOf } from './wave.js';
import type { WavePlan, WaveTerms } from './wave.js';
import { toMessages } from './wave-messages.js';
import type { WaveMessage } from './wave-messages.js';
import type { ComposedMessage, DueWave, WaveOutcome } from './wave-outcome.js';

/**
 * The rules of firings and waves for stored definitions, pure. A stored definition was valid when it was written. If it
 * is no longer valid (another version, other time zone data), its own campaign stops with the reason, and the others go
 * on.
 */

/** The runs of a campaign that is due; if the definition is no longer valid, a pause with the reason. */
export function planOrPause(campaign: DueCampaign, now: number): Planned {
  try {
    return planFirings(campaign, ttlOf(campaign.definition), now);
  } catch (error) {
    return { runs: [], next: null, pause: rootCause(error), cancelEarlier: false };
  }
}

/**
 * The first firing after `now`; null: no firing is left, or the definition is no longer valid, which the due firing
 * reports.
 */
export function planNextIfValid(definition: Definition, id: string, now: number): NextFiring | null {
  try {
    return planNext(definition, id, now);
  } catch {
    return null;
  }
}

/** The waves of a manual run: at once for all recipients, except those who have quiet hours now. */
export function planManual(campaign: { id: string; definition: Definition }, now: number): WavePlan[] {
  const terms = termsOf({ ...campaign, manual: true });
  return planWaves(terms, { at: now, local: toLocal(terms.schedule.zone, now), kind: 'plain' });
}

/** `busy`: an earlier run is still under way in the zones of the wave. `named`: the time zones that devices name. */
export function decideOutcome(wave: DueWave, busy: boolean, named: readonly string[], now: number): WaveOutcome {
  if (!wave.applicationEnabled) return { do: 'skip', reason: DISABLED };
  try {
    const target = targetOf(wave, named);
    if (target === null) return { do: 'empty' };
    const decision = decideWave(wave.plan, wave.dueAt, wave.definition, ttlOf(wave.definition), now);
    if (decision.do !== 'send') return decision;
    if (busy && waveOverlap(wave.definition) === 'skip') return { do: 'skip', reason: UNDER_WAY };
    const messages = toMessages(wave.definition, wave.campaignId);
    return { do: 'send', messages: messages.map((message) => compose(wave, message, target, now)) };
  } catch (error) {
    return { do: 'skip', reason: rootCause(error) };
  }
}

function compose(
  wave: DueWave,
  { variant, language, body, where }: WaveMessage,
  target: Target,
  now: number,
): ComposedMessage {
  const content = readContent(body);
  const conditions = [...(target.where ?? []), ...where];
  const message = {
    applicationId: wave.applicationId,
    id: newMessageId(),
    clientId: wave.clientId,
    body,
    notification: content.notification,
    target: { ...target, ...(conditions.length > 0 && { where: conditions }) },
    urgent: false,
    onUnknown: content.onUnknown,
    label: content.label,
    idempotency: null,
    acceptedAt: new Date(now),
    expiresAt: new Date(expiryOf(wave, content.ttlSeconds)),
  };
  return { variant, language, message };
}

/** The time to live of the content, in seconds. */
export function ttlOf({ content }: Definition): number {
  // The content may have the number as text.
  const ttl = content.ttl === undefined || content.ttl === null ? undefined : Number(content.ttl);
  return readTiming({ ttl }, 0).expiresAt.getTime() / 1_000;
}

export function termsOf({
  id,
  definition,
  manual,
}: {
  id: string;
  definition: Definition;
  manual: boolean;
}): WaveTerms {
  const schedule = readSchedule(definition.schedule);
  const zone = schedule.recipient ? schedule.defaultZone : schedule.zone;
  return {
    schedule: manual ? { ...schedule, recipient: false, jitterMs: 0, zone } : schedule,
    quietHours: definition.policies?.quietHours,
    ttlSeconds: ttlOf(definition),
    salt: id,
  };
}

/** Null: no device of the application is in the zones of the wave. */
function targetOf(wave: DueWave, named: readonly string[]): Target | null {
  const target = readTarget(wholeTarget(wave));
  if (!wave.plan.zoned) return target;
  const terms = termsOf({ id: wave.campaignId, definition: wave.definition, manual: wave.manual });
  const { zone } = terms.schedule;
  const firing: Firing = { at: wave.scheduledAt, local: toLocal(zone, wave.scheduledAt), kind: 'plain' };
  const zones = zonesOf(wave.plan, terms, firing, named);
  return zones && { ...target, where: [...(target.where ?? []), { kind: 'timeZone', ...zones }] };
}

function wholeTarget({ definition, audience }: DueWave): unknown {
  if (audience === undefined) return definition.target;
  if (audience === 'gone') throw unknownAudience(String(definition.target?.audience));
  return withAudience(definition.target ?? {}, audience);
}

/** The time to live counts from the planned moment; if quiet hours drop deliveries, it ends when they begin. */
function expiryOf({ plan, definition }: DueWave, ttlSeconds: number): number {
  const end = plan.scheduledAt + ttlSeconds * 1_000;
  const quiet = definition.policies?.quietHours?.action === 'drop' ? plan.quiet[0]?.[0] : undefined;
  return Math.min(end, quiet ?? Infinity);
}
