import { Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { OperationDuty } from './operation-duty.js';
import { OperationFeed } from './operation-feed.js';
import { OperationsService } from './operations.service.js';
import { PostgresOperationStore } from './postgres-store.js';
import { OperationRegistry } from './registry.js';

/** The kernel, for all features. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    OperationRegistry, PostgresOperationStore, OperationsService, OperationDuty,
    {
      provide: OperationFeed, inject: [SETTINGS, LOG],
      useFactory: ({ DATABASE_URL }: Settings, log: Log) => new OperationFeed(DATABASE_URL, log),
    },
  ],
  exports: [OperationRegistry, PostgresOperationStore, OperationsService, OperationFeed],
})
export class OperationsModule {}
