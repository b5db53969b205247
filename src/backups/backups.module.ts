import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Vault } from '../secrets/vault.js';
import { MetadataDatabaseRecords } from '../databases/database-records.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { InstancePlaces } from '../databases/instance-places.js';
import { deleteOperation } from '../databases/operations/delete.operation.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { OperationRegistry } from '../operations/registry.js';
import { BackupRequests } from './sets/backup.requests.js';
import { DumpRequests } from './dumps/dump.requests.js';
import { RestoreRequests } from './restores/restore.requests.js';
import { BackupCopyEntity } from './sets/backup-copy.entity.js';
import { BackupKeeper } from './sets/backup-keeper.js';
import { MetadataBackupRecords } from './sets/backup-records.js';
import { BackupSetEntity } from './sets/backup-set.entity.js';
import { BackupEntity } from './sets/backup.entity.js';
import { BackupPolicyController, BackupsController } from './sets/backups.controller.js';
import { BackupSiteWatch } from './sites/backup-site-watch.js';
import { BackupsService } from './sets/backups.service.js';
import { MetadataKeeper } from './metadata/metadata-keeper.js';
import { BackupSiteEntity } from './sites/backup-site.entity.js';
import { ClockReadingEntity } from './sites/clock-reading.entity.js';
import { DumpLinkEntity } from './dumps/dump-link.entity.js';
import { DumpLinksController } from './dumps/dump-links.controller.js';
import { DumpLinksService } from './dumps/dump-links.service.js';
import { DumpSlots } from './dumps/dump-slots.js';
import { DumpsController } from './dumps/dumps.controller.js';
import { DumpsService } from './dumps/dumps.service.js';
import { RestoresController } from './restores/restores.controller.js';
import { RestoresService } from './restores/restores.service.js';
import { purgeBackupsOperation } from './sets/operations/purge-backups.operation.js';
import { restoreInPlaceOperation } from './restores/operations/restore-in-place.operation.js';
import { restoreOperation } from './restores/operations/restore.operation.js';
import { BACK_UP, backUpOperation } from './sets/operations/back-up.operation.js';
import { expireBackupsOperation } from './sets/operations/expire-backups.operation.js';
import { proveBackupOperation } from './sets/operations/prove-backup.operation.js';
import { setArchiveOperation } from './sets/operations/set-archive.operation.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([BackupSetEntity, BackupEntity, BackupCopyEntity, BackupSiteEntity, ClockReadingEntity, DumpLinkEntity]),
    DatabasesModule,
  ],
  controllers: [BackupsController, BackupPolicyController, RestoresController, DumpsController, DumpLinksController],
  providers: [
    MetadataBackupRecords, BackupsService, BackupRequests, RestoresService, RestoreRequests, DumpSlots, DumpsService, DumpLinksService,
    DumpRequests, BackupSiteWatch, BackupKeeper, MetadataKeeper,
  ],
  exports: [RestoresService, RestoreRequests],
})
export class BackupsModule implements OnModuleInit {
  constructor(
    private readonly registry: OperationRegistry<EntityManager>,
    private readonly databases: MetadataDatabaseRecords,
    private readonly records: MetadataBackupRecords,
    private readonly places: InstancePlaces,
    private readonly vault: Vault,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  onModuleInit(): void {
    const { databases, records, engine, vault } = this;
    const { backups } = engine;
    // A deletion belongs to databases, and has to know of their backups.
    this.registry.register(deleteOperation({
      engine, records: databases, readBackups: (databaseId) => records.readOfDeleted(databaseId, backups?.sites() ?? [], BACK_UP),
    }));
    if (!backups) return;
    const reserve = (tx: EntityManager, databaseId: string): Promise<void> => this.places.reserve(tx, databaseId);
    const restoring = { engine, backups, records: databases, backupRecords: records, vault, reserve };
    this.registry.register(setArchiveOperation({ backups, databases, records }));
    this.registry.register(backUpOperation({ backups, instances: engine.instances, databases, records }));
    this.registry.register(expireBackupsOperation({ backups, records }));
    this.registry.register(proveBackupOperation({ backups, records }));
    this.registry.register(restoreOperation(restoring));
    this.registry.register(restoreInPlaceOperation({
      ...restoring, replaceMembers: (tx: EntityManager, databaseId: string) => this.places.replaceMembers(tx, databaseId),
    }));
    this.registry.register(purgeBackupsOperation({ backups, records }));
  }
}
