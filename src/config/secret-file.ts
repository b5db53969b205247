import { readFileSync } from 'node:fs';

/**
 * A secret that a setting names a file of; white space around it is none of it.
 *
 * @throws Error that names the setting, for a file that cannot be read or is empty
 */
export function readSecretFile(setting: string, path: string): string {
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new Error(`${setting}: ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (secret === '') throw new Error(`${setting}: ${path} is empty`);
  return secret;
}
