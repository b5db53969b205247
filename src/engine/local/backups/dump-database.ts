import type { Readable } from 'node:stream';

import { EngineError } from '../../errors.js';
import { binariesOf } from '../instances/instance-binaries.js';
import { readPort, type InstanceContext } from '../instances/instance-context.js';
import { DUMP_APPLICATION, DUMP_ROLE, dumpPassword } from '../instances/sql.js';
import { clientTool, toolEnvironment } from '../sql/client-tools.js';
import { YIELDING } from './site-work.js';

/**
 * Streams a dump of the customer's database; it is written nowhere.
 *
 * A dump may run what the customer made. It logs in as a role that may read everything and nothing else: one that a
 * superuser's session merely took on could be left again by whatever runs in it. The owner's own rights would not do, for a
 * table with FORCE ROW LEVEL SECURITY hides rows from its owner, too, and a dump that lacks them is refused. What the
 * customer's code could read in that role it can read as the owner: the cluster holds nothing of anybody else's, and what
 * the control plane keeps in it, such as verifiers in pg_authid, pg_read_all_data does not reach.
 */
export async function dumpDatabase(context: InstanceContext, signal: AbortSignal): Promise<Readable> {
  const { instance, address, authorityPath, account, shell } = context;
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `instance ${instance.id} was not made yet`, 'create it first');
  // Of the server's own major, whose pg_restore customers have.
  const { directory, version } = await binariesOf(context);
  const words = [...YIELDING, clientTool(directory, 'pg_dump'), '--format=custom', '--no-password'];
  const env = toolEnvironment({
    host: address, port, user: DUMP_ROLE, database: instance.database.name, password: dumpPassword(instance.database.secrets.control),
    authorityPath, applicationName: DUMP_APPLICATION, version, superuser: false,
  });
  return shell.stream(`the dump of ${instance.database.name}`, words, { signal, env, ...(account ? { account } : {}) });
}
