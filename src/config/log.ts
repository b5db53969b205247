import { pino, type Logger } from 'pino';

export type Log = Logger;

/** Names under which a secret could reach the log by mistake; their values are left out. */
const SECRET_NAMES = ['password', 'authorization', 'key', 'secret', 'sealed', 'credentials', 'uri', 'pooledUri', 'verifier'];

/** One JSON line an event, with the ids that tie a request, its operation and the engine's work together. */
export function openLog(level: string, processName: string): Log {
  const paths = SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, base: { process: processName, pid: process.pid }, redact: { paths, censor: '[redacted]' }, timestamp: pino.stdTimeFunctions.isoTime });
}
