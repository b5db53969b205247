import { type DestinationStream, pino, type Logger, stdSerializers } from 'pino';
import { scrubSecrets } from './scrub-secrets.js';

export type Log = Logger;

/** Names under which a secret could reach the log by mistake; their values are left out. */
const SECRET_NAMES = ['password', 'authorization', 'key', 'secret', 'sealed', 'credentials', 'uri', 'pooledUri', 'readOnlyUri', 'verifier',
  'token', 'ticket', 'recoveryCodes',
];

/**
 * One JSON line an event, with the ids that tie a request, its operation and the engine's work together.
 *
 * @param destination takes the lines; standard output unless given
 */
export function openLog(level: string, processName: string, destination?: DestinationStream): Log {
  const paths = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  const options = {
    level, base: { process: processName, pid: process.pid }, redact: { paths, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError }, hooks: { streamWrite: scrubSecrets },
  };
  return pino(options, destination ?? standardOutput());
}

/** Lines that wait for a disk that is full; what exceeds them is lost. */
const WAITING_CHARACTERS = 2 ** 20;

/** Standard output, or another descriptor. What cannot be written is tried again with the next line: a full disk ends no process. */
export function standardOutput(descriptor = 1): DestinationStream {
  const stream = pino.destination({ dest: descriptor, sync: true, maxLength: WAITING_CHARACTERS });
  stream.on('error', () => undefined);
  return stream;
}

/** A statement that failed carries its parameters, which may be secrets. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { parameters: _, driverError: __, ...shown } = stdSerializers.err(error) as unknown as Record<string, unknown>;
  return shown;
}
