import { checkBody } from '../../common/body.js';
import { invalidValue, printable } from '../../common/errors.js';
import type { Target } from '../../database/tables.js';
import type { Providers } from '../../providers/providers.module.js';
import { SendMessageDto } from './message.dto.js';
import { checkAlert, checkSizes, toNotification } from './build-notification.js';
import type { NewNotification } from './build-notification.js';
import { checkComplete, readPersonalData } from './personal-data.js';
import type { PersonalData } from './personal-data.js';
import { checkRestrictions } from './restriction.js';
import { audienceOf, readTarget, targetOf, unknownAudience, warnOfTarget, withAudience } from './target.js';
import { readTiming } from './timing.js';
import type { Timing } from './timing.js';
import type { Warning } from './warning.js';

/** A request after every check that needs no database. */
export interface PreparedMessage {
  /** The request body as received. */
  request: Record<string, unknown>;
  notification: NewNotification;
  target: Target;
  data: PersonalData | null;
  timing: Timing;
  /** Null: not given. */
  onUnknown: 'resend' | 'hold' | null;
  label?: string;
  dryRun: boolean;
  /** Fields that are ignored or not supported. */
  warnings: Warning[];
}

export interface PrepareOptions {
  now: number;
  strict: boolean;
  /** By name, the targets of the saved audiences that the request names. */
  audiences?: ReadonlyMap<string, Record<string, unknown>>;
}

const NO_SMS: Warning = {
  code: 'noSms',
  message: "'notificationType' 3 asks for push and SMS: SMS is not supported, only the push is sent.",
  field: 'notificationType',
};

/**
 * Reads the body of POST messages; pure except for the providers' size rules. With `strict`, unknown fields are
 * refused. Throws FPWSE0004E, FPWSE0005E.
 */
export function prepareMessage(
  body: unknown,
  providers: Providers,
  { now, strict, audiences }: PrepareOptions,
): PreparedMessage {
  const { rest, data: given } = withoutData(body);
  const { value, unknown } = checkBody(SendMessageDto, rest);
  const request = body as Record<string, unknown>;
  checkRestrictions(request);
  if (strict) checkKnown(unknown);
  const target = readTarget(inPlace(targetOf(request), audiences));
  const notification = toNotification(value);
  checkAlert(notification, target.platforms);
  const data = readPersonalData(given, target);
  checkComplete(data, target, notification.placeholders ?? []);
  const { expiresAt, sendAt, ttl } = value;
  const timing = readTiming(
    { ttl: ttl ?? undefined, expiresAt: expiresAt ?? undefined, sendAt: sendAt ?? undefined },
    now,
  );
  const dryRun = value.dryRun ?? false;
  // A dry run reports sizes instead of refusing a message that is too large.
  if (!dryRun) checkSizes(notification, target.platforms, providers, data);
  return {
    request,
    notification,
    target,
    data,
    timing,
    onUnknown: value.onUnknown ?? null,
    label: value.label ?? undefined,
    dryRun,
    warnings: [
      ...unknown.map(ignoredField),
      ...warnOfTarget(targetOf(request), target),
      ...(value.notificationType === 3 ? [NO_SMS] : []),
    ],
  };
}

/** Throws FPWSE0001E if the saved audience that the target names is not there. */
function inPlace(given: unknown, audiences: PrepareOptions['audiences']): unknown {
  const name = audienceOf(given);
  if (name === undefined) return given;
  const saved = audiences?.get(name);
  if (!saved) throw unknownAudience(name);
  return withAudience(given as Record<string, unknown>, saved);
}

/** Throws FPWSE0005E for the first unknown field. */
export function checkKnown([unknown]: readonly string[]): void {
  if (unknown !== undefined) throw invalidValue(printable(unknown), 'the field is unknown, and strict handling is on');
}

export function ignoredField(path: string): Warning {
  const field = path.slice(0, 100);
  return { code: 'unknownField', message: `Unknown field '${field}' is ignored.`, field };
}

/**
 * Leaves `data` out of the copy that the other rules check: `data` may hold ten thousand users and has a reader of its
 * own.
 */
function withoutData(body: unknown): { rest: unknown; data?: unknown } {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || !('data' in body)) return { rest: body };
  const { data, ...rest } = body as Record<string, unknown>;
  return { rest, data };
}
