import { EngineError } from '../../../errors.js';
import type { Effect } from '../../../ports.js';
import { command } from '../../machine/gate-script.js';
import { exactName } from '../../machine/host-shell.js';
import { sqlLine } from '../../sql/psql-line.js';
import { findPostmaster, instanceSubject, readPort, type InstanceContext } from '../../fleet/instance-context.js';
import { parseWriting } from '../files/instance-settings.js';
import { equipSql } from '../../sql/pooler-sql.js';
import { certificateFor, configurationFiles } from '../files/instance-files.js';

/**
 * Gives an instance what this version's endpoint needs of it: who may come in, the pooler's authority and a certificate with
 * the endpoint's names, which a running one loads at once; in a primary that runs, also roles, rights and the pooler's database,
 * which its standbys get through the WAL.
 */
export async function equipInstance(context: InstanceContext, effect: Effect): Promise<void> {
  const { shell, paths, instance } = context;
  await shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
    const port = await readPort(context);
    if (port === undefined || !(await shell.exists(paths.made))) {
      throw new EngineError('transient', `instance ${instance.id} was not made yet`, 'create it first');
    }
    const [certificate, writing, isStandby] = await Promise.all([
      certificateFor(context), shell.read(paths.writing), shell.exists(`${paths.data}/standby.signal`),
    ]);
    // What takes a restart keeps the values that it runs with: it is told from the file what those are.
    await gate.install(await configurationFiles(context, port, certificate, { leads: true, writing: parseWriting(writing) }));
    const postmaster = await findPostmaster(context);
    if (!postmaster) return;
    await gate.run(command('signal_exactly', 'HUP', exactName(postmaster.process)));
    if (isStandby) return;
    const { owner, size, secrets } = instance.database;
    const statements = equipSql({ owner, maxConnections: size.maxConnections }, secrets.control);
    await gate.must(sqlLine(context, port, statements), 'equipping the primary');
  });
}
