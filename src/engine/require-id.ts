import { EngineError } from './errors.js';

/** Whether a word is an id: no file name or option of a command that leads elsewhere. */
export const isId = (word: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(word);

/**
 * Ids become names of files and words of commands, so that none may lead elsewhere.
 *
 * @throws EngineError `permanent`
 */
export function requireId(id: string): void {
  if (!isId(id)) throw new EngineError('permanent', `"${id}" is not an id`);
}
