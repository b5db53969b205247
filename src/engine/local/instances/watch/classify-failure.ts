import type { Sight } from '../../../ports.js';

/** SQLSTATEs of a server that is starting or stopping, or restarts its backends. */
const RESTARTING = new Set(['57P01', '57P02', '57P03']);
const REFUSED = new Set(['ECONNREFUSED', 'ENOENT']);

/**
 * What a failed attempt to connect and ask tells of the server; `reset` if it tells nothing, and another attempt may.
 *
 * A server that answers with any other error is alive and says so: it has no connection to spare, for example.
 */
export function classifyFailure(error: unknown): Sight | 'reset' {
  const { code, message } = error as { code?: string; message?: string };
  if (code === undefined) return /terminated|reset/i.test(message ?? '') ? 'reset' : 'silent';
  if (RESTARTING.has(code)) return 'restarting';
  if (REFUSED.has(code)) return 'refused';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'reset';
  return /^[0-9A-Z]{5}$/.test(code) ? 'answers' : 'silent';
}
