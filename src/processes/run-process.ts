import { type Log, openLog } from '../telemetry/log.js';
import { readSettings, SettingsError, takeOverSettings } from '../config/settings.js';
import type { Ground } from './control-plane.module.js';
import { closeGround, openGround } from './open-ground.js';

/**
 * Runs one of the control plane's processes until it is told to stop.
 *
 * @param start begins its work on an opened ground, and answers with what ends it
 */
export function runProcess(name: 'api' | 'worker', start: (ground: Ground) => Promise<() => Promise<void>>): void {
  run(name, start).catch((error: unknown) => {
    process.stderr.write(`${error instanceof SettingsError ? error.message : (error as Error).stack ?? String(error)}\n`);
    process.exit(1);
  });
}

async function run(name: 'api' | 'worker', start: (ground: Ground) => Promise<() => Promise<void>>): Promise<void> {
  // What is told of a full disk must not end who tells it.
  process.stderr.on('error', () => undefined);
  await takeOverSettings();
  const settings = readSettings();
  const log: Log = openLog(settings.FREEHOLD_LOG_LEVEL, name);
  const ground = await openGround(settings, log, name);
  const end = await start(ground);
  const stop = async (): Promise<void> => {
    await end();
    await closeGround(ground);
    log.info(`${name} stopped`);
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
}
