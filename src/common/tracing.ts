import { ROOT_CONTEXT, SpanStatusCode, context, isSpanContextValid, trace } from '@opentelemetry/api';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { rootCause } from './errors.js';
import { redact } from './redact.js';

/** Without an SDK, which the operator adds, every span is a constant that does nothing. */
const tracer = trace.getTracer('carillon');

/** https://www.w3.org/TR/trace-context/: of a later version, the fields of this one are read. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const LONGEST = 256;

/** The header of a caller in the form in which it is kept. Null: none, or malformed, which is ignored. */
export function readTraceparent(header: unknown): string | null {
  if (typeof header !== 'string' || header.length > LONGEST) return null;
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  return textOf({ traceId, spanId, traceFlags: Number.parseInt(flags, 16) });
}

/** The span as a parent that can be kept in a row. Null: no trace. */
function textOf(spanContext: { traceId: string; spanId: string; traceFlags: number }): string | null {
  const { traceId, spanId, traceFlags } = spanContext;
  return isSpanContextValid(spanContext) ? `00-${traceId}-${spanId}-0${traceFlags & 1}` : null;
}

/** The trace of a caller; null under a span of the operator's instrumentation, which has read the header itself. */
export function traceOf({ traceparent }: Readonly<Record<string, unknown>>): string | null {
  return trace.getActiveSpan() === undefined ? readTraceparent(traceparent) : null;
}

function contextOf(parent: string | null): Context {
  if (parent === null) return context.active();
  const [, traceId, spanId, flags] = parent.split('-') as [string, string, string, string];
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number(flags), isRemote: true });
}

export class OpenSpan {
  readonly context: Context;
  private readonly span: Span;

  /** `parent`: null begins a trace. Attributes are ids and counts, never tokens, addresses or texts. */
  constructor(name: string, parent: string | null, attributes: Attributes) {
    const outer = contextOf(parent);
    this.span = tracer.startSpan(name, { attributes }, outer);
    this.context = trace.setSpan(outer, this.span);
  }

  /** The span as a parent that can be kept; without an SDK, its own parent. */
  get traceparent(): string | null {
    return textOf(this.span.spanContext());
  }

  /** Counts that are known at the end; computed if the span is recorded. */
  note(attributes: () => Attributes): void {
    if (this.span.isRecording()) this.span.setAttributes(attributes());
  }

  fail(error: unknown): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: redact(rootCause(error)) });
  }

  end(): void {
    this.span.end();
  }
}

/** Runs work in a span. */
export async function inSpan<T>(
  name: string,
  parent: string | null,
  attributes: Attributes,
  work: (span: OpenSpan) => Promise<T>,
): Promise<T> {
  const span = new OpenSpan(name, parent, attributes);
  try {
    return await context.with(span.context, () => work(span));
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}
