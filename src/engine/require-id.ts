import { EngineError } from './errors.js';

/**
 * Ids become names of files and words of commands, so that none may lead elsewhere.
 *
 * @throws EngineError `permanent`
 */
export function requireId(id: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id)) throw new EngineError('permanent', `"${id}" is not an id`);
}
