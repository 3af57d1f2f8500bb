import type { AuthorizedRequest } from '../../auth/scope.guard.js';
import { inSpan, traceOf } from '../../common/tracing.js';
import type { OpenSpan } from '../../common/tracing.js';

/** Accepts messages in a span of the caller's trace. */
export function inAcceptSpan<T>(
  { headers }: AuthorizedRequest,
  applicationId: string,
  work: (span: OpenSpan) => Promise<T>,
): Promise<T> {
  return inSpan('accept', traceOf(headers), { 'carillon.application': applicationId }, work);
}
