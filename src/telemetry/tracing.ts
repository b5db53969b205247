/** Where a trace has come to, to be carried on elsewhere: the header `traceparent` of W3C Trace Context. */
export type TraceParent = string;

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface NewSpan {
  readonly name: string;
  readonly kind: 'server' | 'consumer' | 'internal';
  /** What it is a part of; without one, whatever goes on at present, or a trace of its own. */
  readonly parent?: TraceParent | undefined;
  /** Its own place in the trace, where others had to know it before it began. */
  readonly self?: TraceParent;
  readonly startedAt?: Date;
  readonly attributes?: Attributes;
}

export interface SpanEnd {
  readonly name?: string;
  readonly attributes?: Attributes;
  /** Why it failed; never a secret. */
  readonly failure?: string | undefined;
}

export interface Span {
  /** Runs what belongs to the span: what is begun meanwhile is a part of it. */
  run<Result>(work: () => Result): Result;
  end(end?: SpanEnd): void;
}

/** Tells somebody who collects traces what a process does, and how its parts hang together. */
export interface Tracing {
  begin(span: NewSpan): Span;
  /** Where the trace has come to that the caller runs in. */
  current(): TraceParent | undefined;
  /** Sends what is not sent yet. */
  close(): Promise<void>;
}

const NO_SPAN: Span = { run: (work) => work(), end: () => undefined };

/** For processes of which nobody collects traces. */
export const NO_TRACING: Tracing = { begin: () => NO_SPAN, current: () => undefined, close: () => Promise.resolve() };

/** The ids that a `traceparent` is made of; undefined if it is malformed. */
export function parseTraceParent(
  text: string | undefined,
): { readonly traceId: string; readonly spanId: string; readonly flags: number } | undefined {
  const [, traceId, spanId, flags] = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '') ?? [];
  return traceId && spanId && flags ? { traceId, spanId, flags: Number.parseInt(flags, 16) } : undefined;
}

export function formatTraceParent(
  { traceId, spanId, flags }: { readonly traceId: string; readonly spanId: string; readonly flags: number },
): TraceParent {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`;
}
