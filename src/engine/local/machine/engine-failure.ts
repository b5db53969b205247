import { errorCode } from '../../../base/error-code.js';
import { reasonOf } from '../../../base/reason-of.js';
import { EngineError } from '../../errors.js';
import { lastLines } from './tool-failure.js';

/** Codes of a failed connection: nothing was done through it. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOENT', 'EHOSTUNREACH', '57P03', '57P01', '53300', 'ECONNRESET', 'ETIMEDOUT']);

/**
 * Runs a verb so that nothing but an {@link EngineError} comes out of it.
 *
 * Whatever was not foreseen is `transient` where it is known that nothing harmful was done, else `outcome-unknown`.
 */
export async function asEngineError<T>(what: string, verb: () => Promise<T>): Promise<T> {
  try {
    return await verb();
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const code = errorCode(error);
    const kind = code !== undefined && NOT_CONNECTED.has(code) ? 'transient' : 'outcome-unknown';
    throw new EngineError(kind, `${what} failed: ${lastLines(reasonOf(error))}`, 'observe it, then try again', { cause: error });
  }
}
