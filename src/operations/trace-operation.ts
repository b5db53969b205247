import { createHash } from 'node:crypto';
import { formatTraceParent, parseTraceParent, type TraceParent } from '../telemetry/tracing.js';
import type { Operation } from './operation.js';

/**
 * An operation's own place in a trace. It follows from the operation alone, since its steps may be taken by several
 * workers, and are a part of it long before it has ended and can be told of.
 */
export function placeOfOperation({ id, traceParent }: Pick<Operation, 'id' | 'traceParent'>): TraceParent {
  const parent = parseTraceParent(traceParent ?? undefined);
  const hash = createHash('sha256').update(id).digest('hex');
  return formatTraceParent({ traceId: parent?.traceId ?? hash.slice(0, 32), spanId: hash.slice(32, 48), flags: parent?.flags ?? 1 });
}
