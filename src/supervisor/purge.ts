import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import { purgeLocalFleet } from '../engine/engine.js';
import { errorCode } from '../base/error-code.js';
import { confirmByTyping } from '../cli/confirm.js';
import type { ControlDirectory } from './control-directory.js';
import { takeDown } from './down.js';
import { removeMasterKey } from './master-key.js';
import type { Progress } from './progress.js';

/** Stops a fleet and removes every trace of it: databases, backups, its directory and the master key made for it. */
export async function purgeFleet(directory: ControlDirectory, progress: Progress): Promise<void> {
  await takeDown(directory, progress);
  progress.step(`removing ${directory.dataDir}`);
  if (directory.hasFleet) await purgeLocalFleet(directory.dataDir);
  // What names the fleet goes last: a purge that was interrupted can be done again.
  const others = readdirSync(directory.dataDir).filter((name) => name !== basename(directory.control));
  for (const name of others) rmSync(join(directory.dataDir, name), { recursive: true, force: true });
  await removeMasterKey(directory);
  rmSync(directory.control, { recursive: true, force: true });
  try {
    rmdirSync(directory.dataDir);
  } catch (error) {
    // A mounted volume stays, empty.
    if (errorCode(error) !== 'EBUSY' && errorCode(error) !== 'EACCES') throw error;
  }
}

/**
 * Asks for the directory's name, so that a purge of the wrong one takes two mistakes.
 *
 * @throws CliError if another name is typed, or nobody is there to type one.
 */
export function confirmPurge(directory: ControlDirectory): Promise<void> {
  return confirmByTyping(basename(directory.dataDir), {
    command: 'purge', warning: `This removes every database and backup in ${directory.dataDir} for good.`, refused: 'nothing was removed',
  });
}
