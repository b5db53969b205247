import { type DestinationStream, pino, type Logger, stdSerializers } from 'pino';
import { scrubSecrets } from './scrub-secrets.js';

export type Log = Logger;

/** Names under which a secret could reach the log by mistake; their values are left out. */
const SECRET_NAMES = ['password', 'authorization', 'key', 'secret', 'sealed', 'credentials', 'uri', 'pooledUri', 'verifier'];

/**
 * One JSON line an event, with the ids that tie a request, its operation and the engine's work together.
 *
 * @param destination takes the lines; standard output unless given
 */
export function openLog(level: string, processName: string, destination?: DestinationStream): Log {
  const paths = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  const options = {
    level, base: { process: processName, pid: process.pid }, redact: { paths, censor: '[redacted]' }, timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError }, hooks: { streamWrite: scrubSecrets },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** A statement that failed carries its parameters, which may be secrets. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { parameters: _, driverError: __, ...shown } = stdSerializers.err(error) as unknown as Record<string, unknown>;
  return shown;
}
