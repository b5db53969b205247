import type { DomainError } from '../problems/domain-problem.js';
import { ProblemError } from '../problems/problem.js';
import { EngineError } from '../engine/errors.js';
import { OperationNotSteerableError } from '../operations/operations.service.js';
import { OperationInTheWayError } from '../operations/store.js';

/** SQLSTATEs of a text that PostgreSQL cannot hold: it was refused before it got anywhere. */
const BAD_TEXT = new Set(['22021', '22P05']);
/** SQLSTATE classes and socket errors that say that the metadata database is away for a moment. */
const AWAY = /^(57P0[1-3]|08...|53300|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE)$/;

/** How soon the operation in the way may have ended; most take seconds. */
const OPERATION_SECONDS = 2;

/** Makes problems of what the kernel, the engine and the metadata database throw. */
export function translateError(error: unknown): DomainError | undefined {
  if (error instanceof OperationInTheWayError) {
    const { id, kind } = error.operation;
    return new ProblemError('operation-in-progress', `operation ${id} (${kind}) is running`, {
      hint: 'wait for its end and try again', extensions: { operation: id }, retryAfterSeconds: OPERATION_SECONDS,
    });
  }
  if (error instanceof OperationNotSteerableError) return new ProblemError('operation-not-steerable', error.message, { hint: error.hint });
  if (error instanceof EngineError) {
    return new ProblemError(
      error.kind === 'permanent' ? 'not-possible' : 'unavailable', error.message, error.hint === undefined ? {} : { hint: error.hint },
    );
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (BAD_TEXT.has(code)) return new ProblemError('invalid-encoding', 'the request holds text that is not valid UTF-8 or has NUL bytes');
  const lost = error instanceof Error && /connection (terminated|timeout)|timeout exceeded when trying to connect/i.test(error.message);
  if (AWAY.test(code) || lost) {
    return new ProblemError('unavailable', 'the metadata database cannot be reached', { hint: 'try again in a moment' });
  }
  return undefined;
}
