import type { Readable } from 'node:stream';

import { reasonOf } from '../../../base/reason-of.js';
import { EngineError } from '../../errors.js';
import { scramVerifierSync } from '../../../secrets/scram-verifier.js';
import { binariesOf } from '../instances/files/instance-binaries.js';
import { readPort, type InstanceContext } from '../fleet/instance-context.js';
import { DUMP_APPLICATION, DUMP_ROLE, dumpLoginSql, dumpPassword } from '../sql/cluster-sql.js';
import { quoteLiteral } from '../sql/quote-sql.js';
import { clientTool, toolEnvironment } from '../sql/client-tools.js';
import { withControl } from '../sql/control-connection.js';
import { YIELDING } from './site-work.js';

/**
 * Streams a dump of one of the customer's databases; it is written nowhere.
 *
 * A dump may run what the customer made. It logs in as a role that may read everything and nothing else: one that a
 * superuser's session merely took on could be left again by whatever runs in it. The owner's own rights would not do, for a
 * table with FORCE ROW LEVEL SECURITY hides rows from its owner, too, and a dump that lacks them is refused. What it reads
 * beyond the owner are the cluster's own catalogs, with the verifiers of our roles in pg_authid: pg_dump sees to it that no
 * view or foreign table is read where a table was meant (`restrict_nonsystem_relation_kind`), and nothing else runs code.
 */
export async function dumpDatabase(
  context: InstanceContext, signal: AbortSignal, database = context.instance.database.name,
): Promise<Readable> {
  const { instance, address, serverName, authorityPath, account, shell } = context;
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `instance ${instance.id} was not made yet`, 'create it first');
  // Of the server's own major, whose pg_restore customers have.
  const { directory, version } = await binariesOf(context);
  const words = [...YIELDING, clientTool(directory, 'pg_dump'), '--format=custom', '--no-password'];
  const env = toolEnvironment({
    host: address, serverName, port, user: DUMP_ROLE, database, password: dumpPassword(instance.database.secrets.control),
    authorityPath, applicationName: DUMP_APPLICATION, version, superuser: false,
  });
  // What keeps it out all the same, pg_dump says in its own words.
  await letIn(context, signal, database).catch((error: unknown) =>
    context.fleet.log.warn({ instanceId: instance.id }, `the role of dumps was not looked at: ${reasonOf(error)}`),
  );
  return shell.stream(`the dump of ${database}`, words, { signal, env, ...(account ? { account } : {}) });
}

const LET_IN_WITHIN_MS = 5_000;

/**
 * Gives the role of dumps again what it needs to log in: a database's owner can revoke its CONNECT, and a cluster that was
 * made or backed up before the role logged in has none. Harmless however late it comes, so that it takes no token.
 */
async function letIn(context: InstanceContext, signal: AbortSignal, name: string): Promise<void> {
  const { secrets } = context.instance.database;
  await withControl(context, { signal, queryTimeoutMs: LET_IN_WITHIN_MS }, async (client) => {
    const { rows } = await client.query<{ may: boolean }>(
      `SELECT pg_is_in_recovery() OR (rolcanlogin AND has_database_privilege(oid, ${quoteLiteral(name)}, 'CONNECT')) AS may
         FROM pg_roles WHERE rolname = ${quoteLiteral(DUMP_ROLE)}`,
    );
    if (rows[0]?.may !== false) return;
    for (const statement of dumpLoginSql(name, scramVerifierSync(dumpPassword(secrets.control)))) await client.query(statement);
  });
}
