import type { Database, FreeholdClient } from '../../../clients/typescript/src/client.js';
import { CliError } from '../cli-error.js';
import { collect } from './session.js';

/**
 * The deleted database of an id, or of a name where one alone of that name can be brought back: names may be used again.
 *
 * @throws CliError if there is none, or several of that name.
 */
export async function findDeletedDatabase(api: FreeholdClient, idOrName: string): Promise<Database> {
  if (idOrName.startsWith('db_')) return api.getDatabase(idOrName);
  const found = (await collect(api.list('/v1/databases'))).filter((database) => database.name === idOrName && database.state === 'deleted');
  const [first, ...others] = found;
  if (!first) throw new CliError(`there is no deleted database ${idOrName} that can be brought back: see freehold databases list`);
  if (others.length > 0) {
    throw new CliError(
      `several deleted databases are named ${idOrName}: give one of `
        + found.map(({ id, deletedAt }) => `${id} (deleted ${deletedAt})`).join(', '),
    );
  }
  return first;
}

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
  if (others.length > 0) {
    throw new CliError(`several databases are named ${idOrName}: give one of ${found.map((database) => database.id).join(', ')}`);
  }
  return api.getDatabase(first.id);
}
