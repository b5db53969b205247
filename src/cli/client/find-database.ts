import type { ApiClient } from '../api-client.js';
import type { Database } from '../api-types.js';
import { CliError } from '../cli-error.js';

/**
 * The database of an id (`db_…`), or of a name where that names one alone.
 *
 * @throws CliError if there is none, or several of that name.
 */
export async function findDatabase(api: ApiClient, idOrName: string): Promise<Database> {
  if (idOrName.startsWith('db_')) return api.call('GET', `/v1/databases/${encodeURIComponent(idOrName)}`);
  const found = (await api.list<Database>('/v1/databases')).filter((database) => database.name === idOrName && database.state !== 'deleted');
  const [first, ...others] = found;
  if (!first) throw new CliError(`there is no database ${idOrName}: see freehold databases list`);
  if (others.length > 0) throw new CliError(`several databases are named ${idOrName}: give one of ${found.map((database) => database.id).join(', ')}`);
  return first;
}
