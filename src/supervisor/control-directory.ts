import { accessSync, chmodSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { CliSettings } from '../config/settings.js';
import { errorCode } from '../base/error-code.js';
import { CliError } from '../cli/cli-error.js';
import { controlDirectory, fleetFile } from '../engine/local/fleet/fleet-layout.js';
import { makeDirectory } from '../engine/local/machine/files.js';

/**
 * The part of a data directory that belongs to the control plane: everything below `control/`.
 *
 * The engine keeps the rest. A directory is a fleet's if it has a `control/` in it.
 */
export class ControlDirectory {
  readonly control: string;
  readonly keyName: string;
  readonly sealedKeys: string;
  readonly ports: string;
  readonly quickstart: string;
  /** There from the beginning of a restore of the metadata to its end. */
  readonly restoringMetadata: string;
  /** There from the beginning of a change of the master key to its end. */
  readonly rotatingKeys: string;
  /** The key of which others are made, sealed; not there until the master key is changed for the first time. */
  readonly derivationKey: string;
  /** Room that is held for the control plane. */
  readonly ballast: string;
  readonly run: string;
  readonly logs: string;

  constructor(readonly dataDir: string) {
    this.control = controlDirectory(dataDir);
    this.keyName = join(this.control, 'key-name');
    this.sealedKeys = join(this.control, 'keys.sealed');
    this.ports = join(this.control, 'ports.json');
    this.quickstart = join(this.control, 'quickstart.sealed');
    this.restoringMetadata = join(this.control, 'recovering');
    this.rotatingKeys = join(this.control, 'rotating-keys');
    this.derivationKey = join(this.control, 'derivation-key.sealed');
    this.ballast = join(this.control, 'ballast');
    this.run = join(this.control, 'run');
    this.logs = join(this.control, 'logs');
  }

  get exists(): boolean {
    return existsSync(this.control);
  }

  /** Whether the engine has a fleet here: a start that failed early leaves none. */
  get hasFleet(): boolean {
    return existsSync(fleetFile(this.dataDir));
  }

  /** Where a process's id is kept, for people and for `down`. */
  pidFile(name: string): string {
    return join(this.run, `${name}.json`);
  }

  logFile(name: string): string {
    return join(this.logs, `${name}.log`);
  }

  /**
   * Makes the directories. `control/` may be passed through, but not listed, by the accounts of its servers.
   *
   * @throws CliError if the data directory cannot be written, or holds something that is not a fleet's.
   */
  async prepare(): Promise<void> {
    try {
      await makeDirectory(this.dataDir, 0o711);
      accessSync(this.dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
      this.refuseForeign();
      await makeDirectory(this.control, 0o711);
      chmodSync(this.control, process.getuid?.() === 0 ? 0o711 : 0o700);
      for (const folder of [this.run, this.logs]) await makeDirectory(folder, 0o700);
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError(
        `the data directory ${this.dataDir} cannot be used (${errorCode(error) ?? String(error)}): `
          + 'name one that you may write with --data-dir',
      );
    }
  }

  /** @throws CliError if there is something in the data directory, but no fleet: it may be somebody's home. */
  refuseForeign(): void {
    if (this.exists || !existsSync(this.dataDir)) return;
    if (!statSync(this.dataDir).isDirectory()) throw new CliError(`${this.dataDir} is not a directory: name one with --data-dir`);
    const content = readdirSync(this.dataDir).filter((name) => name !== 'lost+found');
    if (content.length > 0) {
      throw new CliError(`${this.dataDir} holds files, but no fleet: name an empty directory, or a fleet's, with --data-dir`);
    }
  }
}

/** The data directory: the option, else `FREEHOLD_DATA_DIR`, else where the system keeps such things. */
export function chooseDataDir(option: string | undefined, settings: CliSettings): string {
  const given = option ?? settings.FREEHOLD_DATA_DIR;
  if (given !== undefined) return resolve(given);
  if (process.getuid?.() === 0) return '/var/lib/freehold';
  const home = settings.XDG_DATA_HOME ?? (settings.HOME === undefined ? undefined : join(settings.HOME, '.local/share'));
  if (home === undefined) throw new CliError('there is no home directory to keep the fleet in: name a data directory with --data-dir');
  return join(home, 'freehold');
}
