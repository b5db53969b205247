import { randomBytes } from 'node:crypto';

import { EngineError } from '../../errors.js';
import type { Effect, InstanceRef } from '../../ports.js';
import { command } from '../host-shell/gate-script.js';
import { lastLines } from '../host-shell/gate.js';
import { asAccount, instanceContext, instanceSubject, readPort, type InstanceContext } from '../instances/instance-context.js';
import { CONTROL_USER, scramVerifier } from '../instances/sql.js';
import { withIsolated } from '../sql/isolated-session.js';
import { clientTool, environmentLine, toolEnvironment } from '../sql/client-tools.js';
import { recoverCluster, socketDirectory } from './recover-cluster.js';
import { chooseSource, clearInstance } from './restore-instance.js';
import type { SiteWork } from './site-work.js';

export interface BackupProof {
  readonly restoreMs: number;
  readonly checkMs: number;
  readonly relations: number;
}

const COUNT_RELATIONS = `SELECT pg_catalog.count(*)::pg_catalog.int4 AS relations FROM pg_catalog.pg_class WHERE relkind IN ('r', 'i', 't', 'm')`;
/** What a drill is given, whatever the database has: it serves nobody. */
const SIZE = { memoryMb: 256, maxConnections: 20, diskGb: 10 };

/**
 * Restores a backup on a host, lets PostgreSQL check every page, row and index of it, and removes it again.
 *
 * It is reached through a socket of the database's own account only, and keeps the secrets that it was backed up with.
 */
export async function proveBackup(work: SiteWork, label: string, host: string, effect: Effect): Promise<BackupProof> {
  const { signal } = effect;
  const context = spareContext(work, label, host);
  const { shell, paths } = context;
  try {
    return await shell.fenced(instanceSubject(context, effect.token), signal, async (gate) => {
      await clearInstance(context, gate, signal);
      try {
        const source = await chooseSource(work, { backup: { site: work.site.id, label } }, signal);
        const begun = performance.now();
        await recoverCluster(context, gate, { ...source, end: { consistent: true }, filesAtOnce: 1, progress: () => undefined, signal });
        const restored = performance.now();
        const port = await portOf(context);
        const result = await gate.run(checkLine(context, port));
        if (result.code !== 0) {
          throw new EngineError('permanent', `backup ${label} at ${work.site.id} is damaged: ${lastLines(result.stdout || result.stderr)}`, 'use another site, and make a new backup');
        }
        const checked = performance.now();
        const server = { socketDirectory: socketDirectory(context), port, version: context.fleet.binaries.version };
        const { rows } = await withIsolated(server, work.set.name, signal, (client) => client.query<{ relations: number }>(COUNT_RELATIONS));
        return { restoreMs: Math.round(restored - begun), checkMs: Math.round(checked - restored), relations: rows[0]?.relations ?? 0 };
      } finally {
        await clearInstance(context, gate, AbortSignal.timeout(CLEAR_WITHIN_MS)).catch(() => undefined);
      }
    });
  } finally {
    await shell.remove(paths.control);
  }
}

const CLEAR_WITHIN_MS = 10_000;

function spareContext({ fleet, set }: SiteWork, label: string, host: string): InstanceContext {
  const secret = (): string => randomBytes(18).toString('base64url');
  const { region } = fleet.host(host);
  const instance: InstanceRef = {
    id: `prove-${label}`,
    host,
    database: {
      id: set.databaseId, region: region.id, account: set.account, name: set.name, owner: set.owner,
      ownerVerifier: scramVerifier(secret()), size: SIZE, secrets: { control: secret(), replication: secret() },
    },
  };
  return instanceContext(fleet, instance);
}

async function portOf(context: InstanceContext): Promise<number> {
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `instance ${context.instance.id} has no port`, 'try again');
  return port;
}

function checkLine(context: InstanceContext, port: number): string {
  const env = toolEnvironment(context.fleet, { host: socketDirectory(context), port, user: CONTROL_USER, database: 'postgres', applicationName: 'freehold-proof', superuser: true });
  const words = [
    ...asAccount(context.account),
    clientTool(context.fleet, 'pg_amcheck'),
    '--all',
    '--install-missing',
    '--heapallindexed',
    '--no-password',
  ];
  return `${environmentLine(env)} ${command(...words)}`;
}
