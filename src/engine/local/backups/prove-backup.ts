import { randomBytes } from 'node:crypto';

import { eitherOf } from '../../../base/signals.js';
import type { BackupProof } from '../../backups-port.js';
import { hasRoomForDrill, isFull } from '../../disk-floor.js';
import { EngineError } from '../../errors.js';
import type { Effect, InstanceRef } from '../../ports.js';
import { scramVerifierSync } from '../../../secrets/scram-verifier.js';
import type { Gate } from '../machine/gate.js';
import { binariesOf } from '../instances/files/instance-binaries.js';
import { removeVolume, roomOf } from '../fleet/instance-volume.js';
import { instanceContext, instanceSubject, readPort, type InstanceContext } from '../fleet/instance-context.js';
import { checkCluster } from './check-cluster.js';
import { DamagedError } from './backrest-failure.js';
import { restoreCluster, socketDirectory } from './restore-cluster.js';
import { chooseSource, clearInstance } from './restore-instance.js';
import type { SiteWork } from './site-work.js';

/** What a drill is given, whatever the database has: it serves nobody. */
const SIZE = { memoryMb: 256, maxConnections: 20, diskGb: 10 };
/** Nothing runs in it but the check, and what that writes is bounded. */
const SETTINGS = ['archive_mode=off', 'autovacuum=off', 'temp_file_limit=256MB', 'max_wal_size=128MB', 'wal_keep_size=0'];

/**
 * Restores a backup on a host, lets PostgreSQL check every page, row and index of it, and removes it again.
 *
 * It is reached through a socket of the database's own account only, and keeps the secrets that it was backed up with. It
 * gives way, with all that it has written, before those who share its disk would be stopped for it.
 *
 * @throws EngineError `transient` where the host has no room, or has none left
 */
export async function proveBackup(work: SiteWork, label: string, host: string, effect: Effect): Promise<BackupProof> {
  const context = spareContext(work, label, host);
  const { shell, paths } = context;
  const subject = instanceSubject(context, effect.token);
  const givesWay = new AbortController();
  const watch = setInterval(() => void lookAtRoom(context, givesWay), LOOK_EVERY_MS);
  const signal = eitherOf(effect.signal, givesWay.signal);
  try {
    return await shell.fenced(subject, signal, (gate) => restoreAndCheck(context, gate, { work, label, signal }));
  } catch (error) {
    if (!givesWay.signal.aborted) {
      if (error instanceof DamagedError) return { sound: false, damage: error.message };
      throw error;
    }
    // The gate that was at work has ended with it.
    const clearing = AbortSignal.timeout(CLEAR_WITHIN_MS);
    await shell.fenced(subject, clearing, (gate) => clearDrill(context, gate, clearing));
    throw givesWay.signal.reason;
  } finally {
    clearInterval(watch);
    // What is still mounted is taken away by the next proof.
    if (!(await shell.isMountPoint(paths.volume))) await shell.remove(paths.database);
  }
}

interface Drill {
  readonly work: SiteWork;
  readonly label: string;
  readonly signal: AbortSignal;
}

async function restoreAndCheck(context: InstanceContext, gate: Gate, { work, label, signal }: Drill): Promise<BackupProof> {
  await clearDrill(context, gate, signal);
  try {
    const source = await chooseSource(work, { backup: { site: work.site.id, label } }, signal);
    const begun = performance.now();
    await restoreCluster(withRoomFor(context, source.backup.databaseBytes), gate, {
      ...source,
      end: { consistent: true },
      filesAtOnce: 1,
      progress: () => undefined,
      hasRoom: hasRoomForDrill,
      letIn: [work.set.owner],
      settings: SETTINGS,
      signal,
    });
    const restored = performance.now();
    const server = { socketDirectory: socketDirectory(context), port: await portOf(context), version: (await binariesOf(context)).version };
    const { relations, damage, remarks } = await checkCluster(server, work.set.owner, signal, { measure: () => sizeOf(context) });
    const took = { restoreMs: Math.round(restored - begun), checkMs: Math.round(performance.now() - restored), relations };
    return damage.length > 0 ? { sound: false, damage: damage.join(' | ') } : { sound: true, remarks, ...took };
  } finally {
    await clearDrill(context, gate, AbortSignal.timeout(CLEAR_WITHIN_MS)).catch(() => undefined);
  }
}

async function clearDrill(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  await clearInstance(context, gate, signal);
  await removeVolume(context, gate);
}

/** The same with a volume that is large enough. */
function withRoomFor(context: InstanceContext, bytes: number): InstanceContext {
  const { database } = context.instance;
  const size = { ...database.size, diskGb: Math.max(database.size.diskGb, Math.ceil(bytes / 2 ** 30)) };
  return { ...context, instance: { ...context.instance, database: { ...database, size } } };
}

/** As often as those are looked for who fill a disk. */
const LOOK_EVERY_MS = 500;

async function lookAtRoom(context: InstanceContext, givesWay: AbortController): Promise<void> {
  const { instance } = context;
  const room = await roomOf(context).catch(() => undefined);
  if (room && isFull(room)) {
    givesWay.abort(
      new EngineError(
        'transient',
        `the proof gave way: its host ${instance.host} has only ${room.freeBytes} bytes left`,
        'make room on the host; it is tried again',
      ),
    );
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
      // A place beside the database's own, and a key that is known to nobody and forgotten with the proof.
      id: `${set.databaseId}-proof`, region: region.id, account: set.account, endpointSlot: 0, name: set.name, owner: set.owner,
      ownerVerifier: scramVerifierSync(secret()), size: SIZE,
      secrets: { control: secret(), replication: secret(), volume: randomBytes(64).toString('base64') },
    },
  };
  return instanceContext(fleet, instance);
}

async function portOf(context: InstanceContext): Promise<number> {
  const port = await readPort(context);
  if (port === undefined) throw new EngineError('transient', `instance ${context.instance.id} has no port`, 'try again');
  return port;
}

async function sizeOf({ shell, paths }: InstanceContext): Promise<number> {
  const { stdout } = await shell.run(['du', '-sb', '--', paths.home]);
  return Number(stdout.split('\t')[0]) || 0;
}
