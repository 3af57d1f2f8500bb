// An SDK as an operator adds it (--import): spans are lines of the output.
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

const exporter = {
  export(spans, done) {
    for (const span of spans) {
      const { name, attributes, parentSpanContext, status } = span;
      const { traceId, spanId } = span.spanContext();
      const parentId = parentSpanContext?.spanId ?? null;
      process.stdout.write(`SPAN ${JSON.stringify({ name, traceId, spanId, parentId, attributes, status })}\n`);
    }
    done({ code: 0 });
  },
  shutdown: () => Promise.resolve(),
};

trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
