import { execFile } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { reasonOf } from '../base/reason-of.js';
import { type Environment, handOver } from '../config/handed-over.js';
import type { CliSettings } from '../config/settings.js';
import type { Vault } from '../secrets/vault.js';
import { prepareLocalFleet, restoreLocalMetadata } from '../engine/engine.js';
import { controlDirectory } from '../engine/local/fleet/fleet-layout.js';
import { writeWhole } from '../engine/local/machine/files.js';
import { CliError } from '../cli/cli-error.js';
import { confirmByTyping } from '../cli/confirm.js';
import { findAccount } from './accounts.js';
import type { ControlDirectory } from './control-directory.js';
import { chooseKeys, processEnvironment } from './control-plane.js';
import { FleetBusyError, lockFleet, type FleetLock } from './fleet-lock.js';
import { endLeftovers, workingDirectory } from './leftovers.js';
import { openFleetVault, openMasterKey, readFleetName } from './master-key.js';
import { answersForDatabases, metadataServer, restoredMetadataServer, takeOverMetadata, type MetadataOptions } from './metadata-server.js';
import { LOOPBACK, openPorts } from './ports.js';
import { findPrograms } from './programs.js';
import type { Progress } from './progress.js';
import type { Reconciled, MetadataReport } from './metadata-report.js';
import { openControlKeys } from './sealed-keys.js';
import { SupervisedProcess, type ProcessSpec } from './supervised-process.js';

export interface RestoreMetadataOptions {
  readonly directory: ControlDirectory;
  readonly settings: CliSettings;
  /** The state of that moment; the newest that there is if undefined. */
  readonly time: Date | undefined;
  readonly site: string | undefined;
  /** Whether metadata that can be used is replaced all the same. */
  readonly replace: boolean;
  /** Whether nobody is to be asked. */
  readonly confirmed: boolean;
  readonly progress: Progress;
}

const NO_LIMIT = new AbortController().signal;

/**
 * Brings back the metadata of a fleet from its backups and makes it agree with what is found of the fleet's databases. No
 * database is touched. Metadata that is there is moved aside, and never removed.
 *
 * @throws CliError if a control plane runs, or the metadata that is there can be used; EngineError if there is no backup.
 */
export async function restoreMetadata(options: RestoreMetadataOptions): Promise<MetadataReport> {
  const { directory } = options;
  directory.refuseForeign();
  if (!directory.exists || !directory.hasFleet) {
    throw new CliError(`there is no fleet in ${directory.dataDir}: name its directory with --data-dir`);
  }
  await directory.prepare();
  const lock = await lockIdle(directory);
  try {
    const ended = await endLeftovers(directory);
    if (ended > 0) options.progress.step(`ended ${ended} processes that an earlier start had left behind`);
    return await restoreIdle(options);
  } finally {
    lock.release();
  }
}

/** Holds the directory of a fleet whose control plane is down. `freehold down` is no help: it would stop the databases too. */
export async function lockIdle(directory: ControlDirectory): Promise<FleetLock> {
  return lockFleet(directory, (await readFleetName(directory)) ?? '').catch((error: unknown) => {
    if (!(error instanceof FleetBusyError)) throw error;
    const who = error.holder ? `process ${error.holder.pid}` : 'another process';
    throw new CliError(
      `the control plane of ${directory.dataDir} runs (${who}): end that process first, such as with kill ${error.holder?.pid ?? ''}; `
        + 'databases and gateways stay up',
    );
  });
}

async function restoreIdle(options: RestoreMetadataOptions): Promise<MetadataReport> {
  const { directory, settings, confirmed } = options;
  const masterKey = await openMasterKey(directory, settings);
  const { vault, derivationKey } = await openFleetVault(directory, masterKey);
  const ports = await openPorts(directory, undefined, LOOPBACK);
  const keys = chooseKeys(await openControlKeys(directory, vault), settings);
  const environment = processEnvironment(
    { directory, settings, bind: LOOPBACK }, { masterKey, derivationKey }, ports, keys, `http://${LOOPBACK}:${ports.api}`,
  );
  const fleet = await prepareLocalFleet({
    dataDir: directory.dataDir, vault, encryptsAtRest: settings.FREEHOLD_ENCRYPTION === 'on',
  });
  if (settings.DATABASE_URL !== undefined) {
    if (!confirmed) {
      await ask(
        directory,
        'This ends every operation in the metadata database that DATABASE_URL names, and makes it agree with what is found. '
          + 'Restore it from your own backup first.',
      );
    }
    return { restored: null, movedAside: null, ...(await reconcile(options, environment)) };
  }
  const programs = await findPrograms(settings.PATH, false);
  const server: MetadataOptions = {
    control: controlDirectory(fleet.root), programs, account: await findAccount(['postgres']),
    port: ports.metadata, password: keys.metadataPassword, ...fleet.metadataServer,
  };
  await refuseHealthy(options, server);
  if (!confirmed) {
    await ask(
      directory,
      'This restores the metadata from a backup: what was changed after it is found again only as far as the databases themselves tell.',
    );
  }
  return restoreAndReconcile(options, server, vault, environment);
}

function ask(directory: ControlDirectory, warning: string): Promise<void> {
  return confirmByTyping(basename(directory.dataDir), { command: 'recover', warning, refused: 'nothing was changed' });
}

/** Metadata that can be used knows more than its backup, unless a restore that was cut off has left it. */
async function refuseHealthy(options: RestoreMetadataOptions, server: MetadataOptions): Promise<void> {
  const { directory, replace, progress } = options;
  if (replace || existsSync(directory.restoringMetadata) || !existsSync(`${workingDirectory(directory.control, 'metadata')}/PG_VERSION`)) {
    return;
  }
  progress.step('seeing whether the metadata that is there can be used');
  const isHealthy = await withServer(options, metadataServer(server), () => answersForDatabases(server)).catch(() => false);
  if (isHealthy) {
    throw new CliError(
      `the metadata of ${directory.dataDir} can be used: start the fleet with freehold up, or give --replace to move it aside and restore `
        + 'it from a backup',
    );
  }
}

async function restoreAndReconcile(
  options: RestoreMetadataOptions, server: MetadataOptions, vault: Vault, environment: Environment,
): Promise<MetadataReport> {
  const { directory, settings, progress, time, site } = options;
  const isAgain = existsSync(directory.restoringMetadata);
  await writeWhole({ path: directory.restoringMetadata, content: 'the metadata is being restored\n', mode: 0o600 });
  const movedAside = moveAside(directory);
  progress.step('restoring the metadata');
  const restored = await restoreLocalMetadata({
    dataDir: directory.dataDir, vault, log: SILENT, account: server.account, time, site, signal: NO_LIMIT,
    ...(settings.FREEHOLD_BACKUP_SITES && { backupSites: settings.FREEHOLD_BACKUP_SITES }),
  }).catch((error: unknown) => {
    // As it was: what was there may be better than nothing.
    if (movedAside !== null) renameSync(movedAside, workingDirectory(directory.control, 'metadata'));
    if (!isAgain) rmSync(directory.restoringMetadata);
    throw error;
  });
  const { until, reconciled } = await withServer(options, restoredMetadataServer(server), async () => {
    const playedUntil = await takeOverMetadata(server);
    progress.step('looking at the databases of the fleet');
    return { until: playedUntil, reconciled: await reconcile(options, environment) };
  });
  rmSync(directory.restoringMetadata);
  return { restored: { ...restored, until }, movedAside, ...reconciled };
}

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function moveAside(directory: ControlDirectory): string | null {
  const present = workingDirectory(directory.control, 'metadata');
  if (!existsSync(present)) return null;
  const aside = `${present}.before-${new Date().toISOString().replaceAll(/[:.]/g, '')}`;
  renameSync(present, aside);
  return aside;
}

/** Runs the metadata server for as long as something is done with it. */
export async function withServer<Result>(
  { directory, progress }: Pick<RestoreMetadataOptions, 'directory' | 'progress'>, spec: ProcessSpec, work: () => Promise<Result>,
): Promise<Result> {
  const server = new SupervisedProcess(directory, spec, { ...progress, incident: () => undefined });
  try {
    await server.start(NO_LIMIT);
    return await work();
  } finally {
    await server.stop();
  }
}

/** By a process of its own: the command knows nothing of what is in the metadata. */
async function reconcile({ directory }: RestoreMetadataOptions, environment: Environment): Promise<Reconciled> {
  const entry = fileURLToPath(new URL('../processes/main-recover.js', import.meta.url));
  try {
    const { env, input } = handOver(environment);
    const running = promisify(execFile)(process.execPath, ['--enable-source-maps', entry], {
      cwd: '/', env, maxBuffer: 64 * 1024 * 1024,
    });
    running.child.stdin?.on('error', () => undefined);
    running.child.stdin?.end(input);
    const { stdout } = await running;
    return JSON.parse(stdout) as Reconciled;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? '';
    throw new CliError(
      `the metadata of ${directory.dataDir} was restored, but could not be made to agree with what runs: ${said || reasonOf(error)}; `
        + 'run freehold recover again',
    );
  }
}
