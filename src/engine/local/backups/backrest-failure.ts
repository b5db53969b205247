import { EngineError } from '../../errors.js';
import { commandFailure, lastLines, saysNoRoom } from '../machine/tool-failure.js';
import type { CommandResult } from '../machine/run-command.js';

/** pgBackRest's own numbers of errors, as they are in its source (`build/error/error.yaml`). */
const LOCKED = 50;
const BACKUP_SET_INVALID = 75;
const ARCHIVE_TIMEOUT = 82;
const DAMAGED = /checksum|crypto|decrypt|is not a valid|unexpected eof|zst (?:error|decompress)|gz error/i;
/** What pgBackRest adds to the message of a system call that failed for want of room. */
const NO_ROOM = /\[28\]/;

/** What a site keeps, or no longer keeps, cannot be restored: the fault is the backup's own. */
export class DamagedError extends EngineError {
  constructor(message: string, hint = 'use another site', options?: ErrorOptions) {
    super('permanent', message, hint, options);
  }
}

/** Whether another pgBackRest is at work on the same set. */
export const isLocked = ({ code }: CommandResult): boolean => code === LOCKED;

/** An error for a pgBackRest that failed, of the kind that its number and words tell. */
export function backrestFailure(what: string, result: CommandResult): EngineError {
  const text = `${result.stderr}\n${result.stdout}`;
  const number = Number(/ERROR: \[(\d+)\]/.exec(text)?.[1] ?? result.code);
  const words = lastLines(text.replaceAll(/^.*? (ERROR|WARN): /gm, '$1: '));
  if (number === LOCKED) {
    return new EngineError('transient', `${what} has to wait: another one is at work there`, 'try again when it is done');
  }
  if (number === ARCHIVE_TIMEOUT) {
    return new EngineError(
      'transient',
      `${what} failed: wal did not reach the site in time`,
      'see whether the primary archives to that site, and whether all its sites answer',
    );
  }
  if (number === BACKUP_SET_INVALID) return new DamagedError(`${what} failed: ${words}`, 'list the backups again');
  if (DAMAGED.test(text)) return new DamagedError(`${what} failed, what is stored there is damaged: ${words}`);
  if (NO_ROOM.test(text) || saysNoRoom(text)) {
    return new EngineError(
      'transient', `${what} failed for want of room: ${words}`, 'make room on the host or at the site, or choose another',
    );
  }
  return commandFailure(what, { ...result, stderr: words, stdout: '' });
}
