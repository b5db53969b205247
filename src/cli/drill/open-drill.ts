import type { Command } from 'commander';

import type { FreeholdClient } from '../../../clients/typescript/src/client.js';
import { readCliSettings, type CliSettings } from '../../config/settings.js';
import { CliError } from '../cli-error.js';
import { connect, openSession } from '../client/session.js';
import { chooseDataDir, ControlDirectory } from '../../supervisor/control-directory.js';
import { findRunningFleet } from '../../supervisor/running-fleet.js';

/**
 * The embedded fleet that a drill breaks, and its API.
 *
 * @throws CliError if there is none in the directory, or it is not up
 */
export async function openDrill(
  dataDir: string | undefined, command: Command,
): Promise<{ readonly directory: ControlDirectory; readonly settings: CliSettings; readonly api: FreeholdClient }> {
  const settings = readCliSettings();
  const directory = new ControlDirectory(chooseDataDir(dataDir, settings));
  if (!directory.hasFleet) {
    throw new CliError(
      `there is no embedded fleet in ${directory.dataDir}: faults can be injected only on its own machine; `
        + 'name its directory with --data-dir',
    );
  }
  return { directory, settings, api: await chooseApi(directory, settings, command) };
}

/** The API that is named, else that of the fleet in the directory. */
async function chooseApi(directory: ControlDirectory, settings: CliSettings, command: Command): Promise<FreeholdClient> {
  const { url, apiKey } = command.optsWithGlobals<{ url?: string; apiKey?: string }>();
  if (url !== undefined || apiKey !== undefined || settings.FREEHOLD_URL !== undefined) return openSession(command).api;
  const running = await findRunningFleet(directory, settings, undefined);
  if (!running) throw new CliError(`the fleet in ${directory.dataDir} is not up: start it with freehold up`);
  return connect(running.api, running.operatorKey);
}

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Runs something that a person may stop, and that cleans up after itself when its signal is aborted. */
export async function untilStopped(body: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new CliError('the drill was stopped'));
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  try {
    await body(stop.signal);
  } finally {
    for (const name of STOP_SIGNALS) process.off(name, onSignal);
  }
}
