import type { CliSettings } from '../config/settings.js';
import { Vault } from '../secrets/vault.js';
import { CliError } from '../cli/cli-error.js';
import { askUntil } from '../base/ask-until.js';
import { askReadiness } from './api-processes.js';
import type { ControlDirectory } from './control-directory.js';
import { chooseKeys, describeReady, type ReadyLine } from './control-plane.js';
import { findSupervisor } from './fleet-lock.js';
import { openMasterKey } from './master-key.js';
import { openControlKeys } from './sealed-keys.js';

/** A fleet that another process is starting is waited for this long. */
const UP_WITHIN_MS = 120_000;

/**
 * The ready line of a fleet that is up already, or is being started by another process; undefined if it is not.
 *
 * @throws CliError if it has another port than the one asked for, or does not come up.
 */
export async function findRunningFleet(
  directory: ControlDirectory, settings: CliSettings, askedPort: number | undefined,
): Promise<ReadyLine | undefined> {
  const api = (await findSupervisor(directory))?.api;
  if (api === undefined) return undefined;
  if (askedPort !== undefined && Number(new URL(api).port || '80') !== askedPort) {
    throw new CliError(`the fleet in ${directory.dataDir} is up already at ${api}: stop it with freehold down to give it another port`);
  }
  const ready = await askUntil(async () => {
    if (!(await findSupervisor(directory))) {
      throw new CliError(`the fleet in ${directory.dataDir} was being started and gave up: try again`);
    }
    return (await askReadiness(api))?.recovered || undefined;
  }, { deadlineMs: UP_WITHIN_MS });
  if (!ready) throw new CliError(`the fleet in ${directory.dataDir} is up, but its API at ${api} is not ready: see ${directory.logs}`);
  const keys = await openControlKeys(directory, new Vault(await openMasterKey(directory, settings)));
  return describeReady(api, chooseKeys(keys, settings));
}
