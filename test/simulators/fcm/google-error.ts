import type { Answer } from '../shared/provider.js';

/** Google's error bodies, as the documents of FCM v1 and google.rpc describe them. */

export interface FieldViolation {
  field: string;
  description: string;
}

const STATUS_NAME: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

const MESSAGE: Readonly<Record<string, string>> = {
  UNREGISTERED: 'Requested entity was not found.',
  SENDER_ID_MISMATCH: 'SenderId mismatch',
  QUOTA_EXCEEDED: 'Quota exceeded for quota metric of this project.',
  UNAVAILABLE: 'The service is currently unavailable.',
  INTERNAL: 'Internal error encountered.',
  THIRD_PARTY_AUTH_ERROR: 'Auth error from APNS or Web Push Service',
  INVALID_ARGUMENT: 'Request contains an invalid argument.',
};

/** Error codes of FCM itself; they come in an FcmError detail. */
const FCM_ERROR_CODES = new Set(Object.keys(MESSAGE));

export function typed(name: string, fields: Record<string, unknown>): Record<string, unknown> {
  return { '@type': `type.googleapis.com/${name}`, ...fields };
}

export function googleError(code: number, message: string, details: readonly unknown[] = []): Answer {
  const status = STATUS_NAME[code] ?? 'UNKNOWN';
  const error = { code, message, status, ...(details.length > 0 ? { details } : {}) };
  const headers: Record<string, string> = { 'content-type': 'application/json; charset=UTF-8' };
  if (code === 401) headers['www-authenticate'] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"';
  return { status: code, headers, body: JSON.stringify({ error }) };
}

/** The JSON could not be converted to a message: the answer names the field and has no FcmError. */
export function formError(message: string, violation: FieldViolation): Answer {
  return googleError(400, message, [typed('google.rpc.BadRequest', { fieldViolations: [violation] })]);
}

/** Refused by FCM itself: the answer has an FcmError. */
export function invalidArgument(message: string, violation: FieldViolation): Answer {
  return googleError(400, message, [
    typed('google.firebase.fcm.v1.FcmError', { errorCode: 'INVALID_ARGUMENT' }),
    typed('google.rpc.BadRequest', { fieldViolations: [violation] }),
  ]);
}

export type QuotaScope = 'project' | 'device' | 'topic';

export function quotaExceeded(subject: string, scope: QuotaScope, retryAfterSeconds: number): Answer {
  const description =
    scope === 'project'
      ? 'Message rate exceeded for the project'
      : `Message rate exceeded for the ${scope}: too many messages`;
  const answer = googleError(429, MESSAGE['QUOTA_EXCEEDED'] as string, [
    typed('google.firebase.fcm.v1.FcmError', { errorCode: 'QUOTA_EXCEEDED' }),
    typed('google.rpc.QuotaFailure', { violations: [{ subject: `${scope}:${subject}`, description }] }),
  ]);
  if (retryAfterSeconds > 0) answer.headers['retry-after'] = String(retryAfterSeconds);
  return answer;
}

export function fcmError(code: number, errorCode: string): Answer {
  const message = MESSAGE[errorCode] ?? errorCode;
  if (!FCM_ERROR_CODES.has(errorCode)) return googleError(code, message);
  const detail = typed('google.firebase.fcm.v1.FcmError', { errorCode });
  if (errorCode !== 'THIRD_PARTY_AUTH_ERROR') return googleError(code, message, [detail]);
  const apns = typed('google.firebase.fcm.v1.ApnsError', { statusCode: 403, reason: 'InvalidProviderToken' });
  return googleError(code, message, [detail, apns]);
}

/** The answer of Google's front end if the request did not reach FCM. */
export function htmlError(status: number, title: string): Answer {
  return {
    status,
    headers: { 'content-type': 'text/html; charset=UTF-8' },
    body: `<!DOCTYPE html>\n<html lang=en><title>Error ${status} (${title})!!1</title>\n<p><b>${status}.</b> <ins>That’s an error.</ins></html>\n`,
  };
}
