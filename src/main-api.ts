import 'reflect-metadata';
import { createApi } from './api/create-api.js';
import { openLog } from './config/log.js';
import { readSettings, SettingsError } from './config/settings.js';
import { closeGround, openGround } from './open-ground.js';

/** The process that answers over HTTP. */
async function main(): Promise<void> {
  const settings = readSettings();
  const log = openLog(settings.FREEHOLD_LOG_LEVEL, 'api');
  const ground = await openGround(settings, log);
  const api = await createApi(ground);
  await api.listen();
  log.info({ url: api.publicUrl }, 'api listening');

  const stop = async (): Promise<void> => {
    await api.close();
    await closeGround(ground);
    log.info('api stopped');
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof SettingsError ? error.message : (error as Error).stack ?? String(error)}\n`);
  process.exit(1);
});
