import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import type { Tracing } from '../telemetry/tracing.js';
import { TRACING } from '../telemetry/tracing-token.js';
import { Vault } from '../secrets/vault.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { ANCHOR_FILE, type AnchorFile } from '../changes/audit/anchors.js';
import { ChangesModule } from '../changes/changes.module.js';
import { Metadata } from '../metadata/metadata.js';
import { OperationQueues } from '../operations/operation-queues.js';
import { OperationsModule } from '../operations/operations.module.js';

/** What every process of the control plane opens before its modules are made. */
export interface Ground {
  readonly settings: Settings;
  /** Of the application that is made of it, which closes it when it is closed. */
  readonly dataSource: DataSource;
  readonly engine: Engine;
  readonly vault: Vault;
  readonly queues: OperationQueues;
  /** Where the hashes of the audit are published. */
  readonly anchors: AnchorFile;
  readonly log: Log;
  readonly tracing: Tracing;
}

/** The ground, the kernel and the one door for changes, for all features of a process. */
@Global()
@Module({})
export class ControlPlaneModule {
  static on(ground: Ground): DynamicModule {
    const values = [
      { provide: SETTINGS, useValue: ground.settings },
      { provide: ENGINE, useValue: ground.engine },
      { provide: Vault, useValue: ground.vault },
      { provide: LOG, useValue: ground.log },
      { provide: TRACING, useValue: ground.tracing },
      { provide: OperationQueues, useValue: ground.queues },
      { provide: ANCHOR_FILE, useValue: ground.anchors },
    ];
    return {
      module: ControlPlaneModule, imports: [handOver(ground.dataSource), OperationsModule, ChangesModule],
      providers: [...values, Metadata], exports: [...values.map(({ provide }) => provide), Metadata],
    };
  }
}

/** The process has opened it, with its migrations, side by side with the engine; Nest hands it out, and closes it at the end. */
function handOver(dataSource: DataSource): DynamicModule {
  return TypeOrmModule.forRootAsync({ useFactory: () => dataSource.options, dataSourceFactory: () => Promise.resolve(dataSource) });
}
