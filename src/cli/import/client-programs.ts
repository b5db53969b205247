import { delimiter, join } from 'node:path';

import { readCliSettings } from '../../config/settings.js';
import { CliError } from '../cli-error.js';
import { findPostgresFolders } from '../../supervisor/programs.js';

/** The programs that dump and restore. Both are of one version: an older pg_restore does not read what a newer pg_dump wrote. */
export interface ClientPrograms {
  readonly pgDump: string;
  readonly pgRestore: string;
  readonly major: number;
}

/** @throws CliError if they are not installed */
export async function findClientPrograms(): Promise<ClientPrograms> {
  const folders = readCliSettings().PATH.split(delimiter).filter(Boolean);
  const [newest] = await findPostgresFolders(folders, ['pg_dump', 'pg_restore'], 'pg_restore');
  if (newest === undefined) {
    throw new CliError('pg_dump and pg_restore 15 or newer are missing: on Debian or Ubuntu, as root: apt-get install postgresql-client');
  }
  const [major, folder] = newest;
  return { major, pgDump: join(folder, 'pg_dump'), pgRestore: join(folder, 'pg_restore') };
}
