import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import type { Tracing } from '../telemetry/tracing.js';
import { TRACING } from '../telemetry/tracing-token.js';
import { Vault } from '../secrets/vault.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { Metadata } from '../metadata/metadata.js';
import { Changes } from '../changes/changes.js';
import { OperationRequests } from '../changes/operation.requests.js';
import { OperationFeed } from '../operations/operation-feed.js';
import { OperationQueues } from '../operations/operation-queues.js';
import { OperationsService } from '../operations/operations.service.js';
import { PostgresOperationStore } from '../operations/postgres-store.js';
import { OperationRegistry } from '../operations/registry.js';

/** What every process of the control plane opens before its modules are made. */
export interface Ground {
  readonly settings: Settings;
  readonly dataSource: DataSource;
  readonly engine: Engine;
  readonly vault: Vault;
  readonly queues: OperationQueues;
  readonly log: Log;
  readonly tracing: Tracing;
}

/** The ground and the kernel, for all features of a process. */
@Global()
@Module({})
export class ControlPlaneModule {
  static on(ground: Ground): DynamicModule {
    const values = [
      { provide: SETTINGS, useValue: ground.settings },
      { provide: DataSource, useValue: ground.dataSource },
      { provide: ENGINE, useValue: ground.engine },
      { provide: Vault, useValue: ground.vault },
      { provide: LOG, useValue: ground.log },
      { provide: TRACING, useValue: ground.tracing },
      { provide: OperationQueues, useValue: ground.queues },
      { provide: OperationRegistry, useValue: new OperationRegistry() },
      { provide: OperationFeed, useValue: new OperationFeed(ground.settings.DATABASE_URL, ground.log) },
    ];
    const services = [Metadata, PostgresOperationStore, OperationsService, Changes, OperationRequests];
    return { module: ControlPlaneModule, providers: [...values, ...services], exports: [...values.map(({ provide }) => provide), ...services] };
  }
}
