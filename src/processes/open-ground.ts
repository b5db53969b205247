import type { Settings } from '../config/settings.js';
import { openTracing } from '../telemetry/open-tracing.js';
import { openVault } from '../secrets/open-vault.js';
import type { Ground } from './control-plane.module.js';
import { openAnchorFile, openEngine } from '../engine/engine.js';
import { dataSourceOptions, openDataSource } from '../metadata/data-source.js';
import type { Log } from '../telemetry/log.js';
import { OperationQueues } from '../operations/operation-queues.js';

/** Opens the metadata database, the engine and the queues of a process. */
export async function openGround(settings: Settings, log: Log, processName = 'process'): Promise<Ground> {
  const vault = openVault(settings);
  const tracing = await openTracing(settings.FREEHOLD_OTLP_ENDPOINT, processName);
  const [dataSource, engine] = await Promise.all([
    openDataSource(dataSourceOptions(settings.DATABASE_URL)),
    openEngine({
      engine: settings.FREEHOLD_ENGINE, dataDir: settings.FREEHOLD_DATA_DIR, vault, log: log.child({ component: 'engine' }),
      ...(settings.FREEHOLD_BACKUP_SITES && { backupSites: settings.FREEHOLD_BACKUP_SITES }),
    }),
  ]);
  return {
    settings, dataSource, engine, vault, log, tracing, queues: new OperationQueues(settings.REDIS_URL),
    anchors: openAnchorFile(settings.FREEHOLD_DATA_DIR),
  };
}

/** Closes what the application that was made of it has not closed. */
export async function closeGround({ queues, engine, tracing }: Ground): Promise<void> {
  await queues.close();
  await engine.close();
  await tracing.close();
}
