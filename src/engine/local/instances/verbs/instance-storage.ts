import { EngineError } from '../../../errors.js';
import type { Effect, StorageMeasure, Writing } from '../../../ports.js';
import { command } from '../../machine/gate-script.js';
import { exactName } from '../../machine/host-shell.js';
import { bounded, withKeptControl } from '../../sql/control-connection.js';
import { findPostmaster, writingSubject, type InstanceContext } from '../../fleet/instance-context.js';
import { parseWriting, writingConfiguration } from '../files/instance-settings.js';
import { POOLER_ROLE } from '../../sql/pooler-sql.js';
import { accessFile, ownFile } from '../files/instance-files.js';
import { CONTROL_USER, DUMP_ROLE } from '../../sql/cluster-sql.js';
import { quoteLiteral } from '../../sql/quote-sql.js';

/** Each file is looked at, of which a database may have tens of thousands, on a disk that is busy. */
const MEASURE_WITHIN_MS = 30_000;

const MEASURE_SQL = `
  SELECT (SELECT pg_catalog.sum(pg_catalog.pg_database_size(oid))::float8 FROM pg_catalog.pg_database) AS "dataBytes",
         (SELECT coalesce(pg_catalog.sum(size), 0)::float8 FROM pg_catalog.pg_ls_tmpdir()) AS "temporaryBytes",
         (SELECT coalesce(pg_catalog.sum(size), 0)::float8 FROM pg_catalog.pg_ls_waldir()) AS "walBytes"`;

/** Measures what an instance's data takes. Never through the connection that is watched: a look must not wait for it. */
export async function measureStorage(context: InstanceContext, signal: AbortSignal): Promise<StorageMeasure> {
  const [measured, writing] = await Promise.all([
    withKeptControl(context, signal, (client) => client.query<Omit<StorageMeasure, 'writing'>>(bounded(MEASURE_SQL, MEASURE_WITHIN_MS))),
    context.shell.read(context.paths.writing),
  ]);
  const [row] = measured.rows;
  if (!row) throw new EngineError('transient', `instance ${context.instance.id} did not say how large it is`);
  return { ...row, writing: parseWriting(writing) };
}

/**
 * Says who may write. Sessions that are open obey from their next transaction on, unless they set otherwise themselves.
 *
 * It is a setting of the server, which no backup, copy or dump carries along, and not one of a role or a database.
 */
export async function setWriting(context: InstanceContext, writing: Writing, effect: Effect): Promise<void> {
  const { shell, paths, instance } = context;
  await shell.fenced(writingSubject(context, effect.token), effect.signal, async (gate) => {
    if (!(await shell.exists(paths.made))) {
      throw new EngineError('transient', `instance ${instance.id} was not made yet`, 'create it first');
    }
    await gate.install([ownFile(context, 'writing.conf', writingConfiguration(writing)), accessFile(context, writing)]);
    const postmaster = await findPostmaster(context);
    if (postmaster) await gate.run(command('signal_exactly', 'HUP', exactName(postmaster.process)));
  });
}

const CUSTOMERS = `backend_type = 'client backend' AND pg_catalog.pg_get_userbyid(usesysid) NOT IN `
  + `(${[CONTROL_USER, DUMP_ROLE, POOLER_ROLE].map(quoteLiteral).join(', ')})`;
/** It runs the customer's functions in indexes, which may write, under the customer's own settings. */
const AUTOVACUUM = `backend_type = 'autovacuum worker'`;
/** A file of a running query is named after the process that it belongs to. */
const GROWING = `(backend_xid IS NOT NULL OR pid IN (
  SELECT pg_catalog.substring(name, '^pgsql_tmp([0-9]+)[.]')::pg_catalog.int4 FROM pg_catalog.pg_ls_tmpdir() WHERE size > 0))`;

/** Ends sessions, never mere commits of theirs: a commit that waits for its standby and is cancelled would pass for acknowledged. */
export async function endSessions(context: InstanceContext, which: 'growing' | 'all', signal: AbortSignal): Promise<void> {
  const theirs = `(${CUSTOMERS} OR ${AUTOVACUUM})`;
  const condition = which === 'all' ? theirs : `${theirs} AND ${GROWING}`;
  await withKeptControl(context, signal, (client) =>
    client.query(`SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_get_activity(NULL) WHERE ${condition}`),
  );
}
