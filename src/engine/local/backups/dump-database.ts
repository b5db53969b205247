import type { Readable } from 'node:stream';

import { EngineError } from '../../errors.js';
import { readPort, type InstanceContext } from '../instances/instance-context.js';
import { CONTROL_USER, DUMP_APPLICATION } from '../instances/sql.js';

/**
 * Streams a dump of the customer's database; it is written nowhere.
 *
 * pg_dump connects as the control plane and then acts as the owner: a dump runs what the customer made, such as the
 * functions of an index, and must not do so with a superuser's rights.
 */
export async function dumpDatabase(context: InstanceContext, signal: AbortSignal): Promise<Readable> {
  const { fleet, instance, address, authorityPath, account, shell } = context;
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `instance ${instance.id} was not made yet`, 'create it first');
  const words = [`${fleet.binaries.directory}/pg_dump`, '--format=custom', `--role=${instance.database.owner}`, '--no-password'];
  const env = {
    PGHOST: address,
    PGPORT: String(port),
    PGUSER: CONTROL_USER,
    PGDATABASE: instance.database.name,
    PGPASSWORD: instance.database.secrets.control,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: authorityPath,
    PGCONNECT_TIMEOUT: '5',
    PGAPPNAME: DUMP_APPLICATION,
  };
  return shell.stream(words, { signal, env, ...(account ? { account } : {}) });
}
