import 'reflect-metadata';
import { reasonOf } from '../base/reason-of.js';
import { MetadataBackupRecords } from '../backups/sets/backup-records.js';
import { openLog } from '../telemetry/log.js';
import { readSettings, takeOverSettings } from '../config/settings.js';
import { openVault } from '../secrets/open-vault.js';
import { MetadataDatabaseRecords } from '../databases/database-records.js';
import { openEngine } from '../engine/engine.js';
import { dataSourceOptions, openDataSource } from '../metadata/data-source.js';
import { Metadata } from '../metadata/metadata.js';
import { PostgresOperationStore } from '../operations/postgres-store.js';
import { OperationRegistry } from '../operations/registry.js';
import { reconcileFleet } from '../reconciliation/reconcile-fleet.js';

/** The process by which `freehold recover` makes restored metadata true again; it prints what it found and ends. */
async function main(): Promise<void> {
  await takeOverSettings();
  const settings = readSettings();
  const vault = openVault(settings);
  const dataSource = await openDataSource(dataSourceOptions(settings.DATABASE_URL));
  try {
    const engine = await openEngine({
      engine: settings.FREEHOLD_ENGINE, dataDir: settings.FREEHOLD_DATA_DIR, vault, log: openLog('silent', 'recover'),
      ...(settings.FREEHOLD_BACKUP_SITES && { backupSites: settings.FREEHOLD_BACKUP_SITES }),
    });
    const metadata = new Metadata(dataSource);
    const report = await reconcileFleet({
      metadata, engine, vault, store: new PostgresOperationStore(dataSource),
      // No operation runs here, and none is asked what it means.
      records: new MetadataDatabaseRecords(metadata, vault, new OperationRegistry()),
      backupRecords: new MetadataBackupRecords(metadata, vault),
    });
    await engine.close();
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } finally {
    await dataSource.destroy();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 1;
});
