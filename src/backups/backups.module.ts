import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { MetadataDatabaseRecords } from '../databases/database-records.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { OperationRegistry } from '../operations/registry.js';
import { BackupKeeper } from './backup-keeper.js';
import { MetadataBackupRecords } from './backup-records.js';
import { BackupsService } from './backups.service.js';
import { backUpOperation } from './operations/back-up.operation.js';
import { expireBackupsOperation } from './operations/expire-backups.operation.js';
import { proveBackupOperation } from './operations/prove-backup.operation.js';
import { setArchiveOperation } from './operations/set-archive.operation.js';

@Module({ imports: [DatabasesModule], providers: [MetadataBackupRecords, BackupsService, BackupKeeper], exports: [BackupsService, BackupKeeper] })
export class BackupsModule implements OnModuleInit {
  constructor(
    private readonly registry: OperationRegistry<EntityManager>,
    private readonly databases: MetadataDatabaseRecords,
    private readonly records: MetadataBackupRecords,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  onModuleInit(): void {
    const { databases, records, engine: { backups } } = this;
    if (!backups) return;
    this.registry.register(setArchiveOperation({ backups, databases, records }));
    this.registry.register(backUpOperation({ backups, databases, records }));
    this.registry.register(expireBackupsOperation({ backups, records }));
    this.registry.register(proveBackupOperation({ backups, records }));
  }
}
