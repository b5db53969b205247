import { DatabaseNotAvailableError } from './database-errors.js';
import type { DatabaseDocument } from './database.schemas.js';

/**
 * For what has to be asked of a server.
 *
 * @throws DatabaseNotAvailableError where there is no instance
 */
export function requireInstances({ instances, deletedAt, state }: DatabaseDocument): void {
  if (deletedAt !== null || instances.length === 0) throw new DatabaseNotAvailableError(state);
}
