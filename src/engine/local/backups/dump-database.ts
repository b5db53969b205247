import type { Readable } from 'node:stream';

import { EngineError } from '../../errors.js';
import { readPort, type InstanceContext } from '../instances/instance-context.js';
import { CONTROL_USER, DUMP_APPLICATION, DUMP_ROLE } from '../instances/sql.js';
import { YIELDING } from './site-work.js';

/**
 * Streams a dump of the customer's database; it is written nowhere.
 *
 * pg_dump connects as the control plane and then acts as a role that may read everything and nothing else: a dump may run
 * what the customer made, and must not do so with a superuser's rights. The owner's own would not do, for a table with
 * FORCE ROW LEVEL SECURITY hides rows from its owner, too, and a dump that lacks them is refused. What the customer's code could
 * read in that role it can read as the owner: the cluster holds nothing of anybody else's, and what the control plane keeps
 * in it, such as verifiers in pg_authid, pg_read_all_data does not reach.
 */
export async function dumpDatabase(context: InstanceContext, signal: AbortSignal): Promise<Readable> {
  const { fleet, instance, address, authorityPath, account, shell } = context;
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `instance ${instance.id} was not made yet`, 'create it first');
  const words = [...YIELDING, `${fleet.binaries.directory}/pg_dump`, '--format=custom', `--role=${DUMP_ROLE}`, '--no-password'];
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
    // Large objects have rights of their own, which no role that reads everything has.
    PGOPTIONS: '-c lo_compat_privileges=on',
  };
  return shell.stream(words, { signal, env, ...(account ? { account } : {}) });
}
