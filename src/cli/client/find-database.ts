import type { Database, FreeholdClient } from '../../../clients/typescript/src/client.js';
import { CliError } from '../cli-error.js';
import { collect } from './session.js';

/**
 * The database of an id (`db_…`), or of a name where that names one alone.
 *
 * @throws CliError if there is none, or several of that name.
 */
export async function findDatabase(api: FreeholdClient, idOrName: string): Promise<Database> {
  if (idOrName.startsWith('db_')) return api.getDatabase(idOrName);
  const found = (await collect(api.list('/v1/databases'))).filter((database) => database.name === idOrName && database.state !== 'deleted');
  const [first, ...others] = found;
  if (!first) throw new CliError(`there is no database ${idOrName}: see freehold databases list`);
  if (others.length > 0) throw new CliError(`several databases are named ${idOrName}: give one of ${found.map((database) => database.id).join(', ')}`);
  return first;
}
