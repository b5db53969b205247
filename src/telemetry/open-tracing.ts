import { NO_TRACING, type Tracing } from './tracing.js';

/**
 * Begins to send traces by OTLP over HTTP; without an address nothing of it is loaded.
 *
 * @param endpoint such as `http://collector:4318`
 */
export async function openTracing(endpoint: string | undefined, processName: string): Promise<Tracing> {
  if (endpoint === undefined) return NO_TRACING;
  const { openOtlpTracing } = await import('./otlp-tracing.js');
  return openOtlpTracing(endpoint, `freehold-${processName}`);
}
