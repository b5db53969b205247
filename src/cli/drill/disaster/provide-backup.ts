import type { components, FreeholdClient } from '../../../../clients/typescript/src/client.js';
import { CliError } from '../../cli-error.js';
import { describeEnd } from '../../client/show-steps.js';

interface Wanted {
  /** Whether the backup must hold everything that is committed now; otherwise the newest that there is will do. */
  readonly anew: boolean;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that a database is backed up at every site.
 *
 * @returns what it takes when it is restored, in bytes
 */
export async function provideBackup(api: FreeholdClient, id: string, { anew, signal }: Wanted): Promise<number> {
  const there = anew ? undefined : await newestBackup(api, id);
  if (there?.copies.every(({ state }) => state === 'stored')) return requireSize(id, there);
  // By the clock of the server, which need not be this one. A backup that began before is waited for, and another one is made.
  const newest = anew ? (await api.call('get', '/v1/operations', { query: { databaseId: id, limit: 1 }, signal })).data[0] : undefined;
  for (;;) {
    const { operation } = await api.call('post', '/v1/databases/{id}/backups', { path: { id }, signal });
    const ended = await api.followOperation(operation.id, { signal });
    if (newest && operation.id <= newest.id) continue;
    if (ended.state !== 'succeeded') throw new CliError(`${id} could not be backed up: ${describeEnd(ended)}`);
    return requireSize(id, await newestBackup(api, id));
  }
}

/** The newest backup of a database that a restore could begin with; undefined if there is none. */
export async function newestBackup(api: FreeholdClient, id: string): Promise<components['schemas']['Backup'] | undefined> {
  const { data } = await api.call('get', '/v1/databases/{id}/backups', { path: { id }, query: { limit: 10 } });
  return data.find(({ sizeBytes, copies }) => sizeBytes !== null && copies.some(({ state }) => state === 'stored'));
}

function requireSize(id: string, backup: components['schemas']['Backup'] | undefined): number {
  if (backup?.sizeBytes === undefined || backup.sizeBytes === null) throw new CliError(`the backup of ${id} is not listed with its size`);
  return backup.sizeBytes;
}
