import { randomBytes } from 'node:crypto';
import { type Context, context, ROOT_CONTEXT, type Span as OtlpSpan, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor, type IdGenerator, ParentBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import pg from 'pg';
import { formatTraceParent, parseTraceParent, type Span, type Tracing } from './tracing.js';

const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL } as const;
const SEND_EVERY_MS = 1_000;

/** Random ids, but for a span whose place in the trace others know already. */
class Ids implements IdGenerator {
  given: { readonly traceId: string; readonly spanId: string } | undefined;
  readonly generateTraceId = (): string => this.given?.traceId ?? randomBytes(16).toString('hex');
  readonly generateSpanId = (): string => this.given?.spanId ?? randomBytes(8).toString('hex');
}

export function openOtlpTracing(endpoint: string, serviceName: string): Tracing {
  const ids = new Ids();
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'process.pid': process.pid }),
    idGenerator: ids, sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: SEND_EVERY_MS })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracer = provider.getTracer('freehold');
  const stopTracingQueries = traceQueries((name, attributes) => tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }));
  return {
    begin({ name, kind, parent, self, startedAt, attributes = {} }) {
      const within = contextOf(parent, self);
      ids.given = parseTraceParent(self);
      const span = tracer.startSpan(name, { kind: KINDS[kind], attributes, ...(startedAt && { startTime: startedAt }) }, within);
      ids.given = undefined;
      return spanOf(span, trace.setSpan(within, span));
    },
    current() {
      const at = trace.getSpanContext(context.active());
      return at && formatTraceParent({ traceId: at.traceId, spanId: at.spanId, flags: at.traceFlags });
    },
    async close() {
      stopTracingQueries();
      // A collector that is away must not keep the process from ending well.
      await provider.shutdown().catch(() => undefined);
      context.disable();
    },
  };
}

function contextOf(parent: string | undefined, self: string | undefined): Context {
  const at = parseTraceParent(parent);
  if (at) return trace.setSpanContext(ROOT_CONTEXT, { traceId: at.traceId, spanId: at.spanId, traceFlags: at.flags, isRemote: true });
  return self === undefined ? context.active() : ROOT_CONTEXT;
}

function spanOf(span: OtlpSpan, within: Context): Span {
  return {
    run: (work) => context.with(within, work),
    end({ name, attributes, failure } = {}) {
      if (name !== undefined) span.updateName(name);
      if (attributes) span.setAttributes(attributes);
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      span.end();
    },
  };
}

type Query = (this: pg.Client, ...parameters: unknown[]) => unknown;

/** Traces each statement of a traced request or step, by its first word: the rest may hold a secret. */
function traceQueries(begin: (name: string, attributes: Record<string, string | undefined>) => OtlpSpan): () => void {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const { query } = prototype;
  prototype.query = function traced(...parameters) {
    if (!trace.getActiveSpan()) return query.apply(this, parameters);
    const [statement] = parameters as [string | { readonly text?: string }];
    const text = typeof statement === 'string' ? statement : statement.text ?? '';
    const verb = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'QUERY';
    const span = begin(verb, {
      'db.system.name': 'postgresql', 'db.operation.name': verb, 'db.namespace': this.database, 'server.address': this.host,
    });
    const end = (error: unknown): void => {
      if (error) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    };
    const callback = parameters.at(-1);
    if (typeof callback === 'function') {
      parameters[parameters.length - 1] = (error: unknown, ...rest: unknown[]): void => {
        end(error);
        (callback as (...all: unknown[]) => void)(error, ...rest);
      };
      return query.apply(this, parameters);
    }
    const answer = query.apply(this, parameters);
    if (answer instanceof Promise) answer.then(() => end(undefined), end);
    else end(undefined);
    return answer;
  };
  return () => { prototype.query = query; };
}
